-- A column that is not grouped.
SELECT auction, bidder, COUNT(*) FROM bids GROUP BY auction
