INSERT INTO anything SELECT channel, CAST(PERCENTILE(price, 50) AS BIGINT) FROM bids GROUP BY channel;
