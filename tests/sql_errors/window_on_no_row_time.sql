INSERT INTO anything
SELECT channel, COUNT(*)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(price), INTERVAL '1' HOUR))
GROUP BY channel, window_start, window_end;
