-- GROUP BY takes no positions.
SELECT auction, COUNT(*) FROM bids GROUP BY 1
