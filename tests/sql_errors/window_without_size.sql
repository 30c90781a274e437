INSERT INTO anything
SELECT channel, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts)))
GROUP BY channel, window_start, window_end;
