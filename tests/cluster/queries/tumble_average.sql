-- AVG, MIN of decimals and counts with FILTER in a window.
SELECT window_end, AVG(price) AS a, MIN(price) AS b, COUNT(*) FILTER (WHERE paid) AS c, SUM(DISTINCT quantity) AS d, MAX(ts) AS e FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end
