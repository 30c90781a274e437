INSERT INTO anything SELECT channel, COUNT(*) FROM bids GROUP BY channel, HOP(ts, INTERVAL '1' HOUR);
