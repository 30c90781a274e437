INSERT INTO anything SELECT channel, CAST(PERCENTILE(price, price) AS BIGINT) FROM bids GROUP BY channel;
