-- GROUPING SETS with the empty one.
SELECT auction, paid, COUNT(DISTINCT bidder) AS n FROM bids GROUP BY GROUPING SETS ((auction), (paid), ())
