INSERT INTO anything
SELECT channel, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), 60))
GROUP BY channel, window_start, window_end;
