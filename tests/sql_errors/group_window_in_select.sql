INSERT INTO anything SELECT channel, TUMBLE(ts, INTERVAL '1' HOUR) FROM bids;
