-- DISTINCT within a window.
SELECT window_start, COUNT(DISTINCT bidder) AS n, AVG(price) AS p, MIN(quantity) AS q, MAX(bidder) AS b FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end
