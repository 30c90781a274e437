-- Without the clock: all bids in one window.
SELECT bidder, COUNT(*) AS bid_count FROM bid GROUP BY bidder
