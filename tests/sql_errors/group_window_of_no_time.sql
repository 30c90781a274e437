INSERT INTO anything SELECT channel, COUNT(*) FROM bids GROUP BY channel, TUMBLE(price, INTERVAL '1' HOUR);
