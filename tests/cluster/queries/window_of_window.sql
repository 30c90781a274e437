-- A window over the time of another.
CREATE VIEW fives AS
SELECT window_time AS rt, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY window_start, window_end, window_time;
SELECT window_start, window_end, SUM(n) AS n FROM TABLE(TUMBLE(TABLE fives, DESCRIPTOR(rt), INTERVAL '10' SECOND))
GROUP BY window_start, window_end
