-- Overlapping windows with DISTINCT.
SELECT window_start, COUNT(DISTINCT bidder) AS n, COUNT(DISTINCT auction) AS m FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '6' SECOND)) GROUP BY window_start, window_end
