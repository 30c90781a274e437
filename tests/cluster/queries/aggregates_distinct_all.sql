-- DISTINCT in every aggregate that adds up.
SELECT auction, COUNT(DISTINCT bidder) AS c, SUM(DISTINCT quantity) AS s, AVG(DISTINCT price) AS a, MIN(DISTINCT price) AS lo, MAX(DISTINCT price) AS hi, ARRAY_AGG(DISTINCT bidder) AS l FROM bids GROUP BY auction
