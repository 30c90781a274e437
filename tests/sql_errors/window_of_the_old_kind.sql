INSERT INTO anything SELECT channel, COUNT(*) FROM bids GROUP BY channel, TUMBLE(ts, INTERVAL '1' HOUR);
