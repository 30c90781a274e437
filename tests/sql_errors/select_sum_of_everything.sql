INSERT INTO anything SELECT channel, SUM(*) FROM bids GROUP BY channel;
