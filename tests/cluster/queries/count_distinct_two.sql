-- Several DISTINCT aggregates of different columns.
SELECT COUNT(DISTINCT auction) AS a, COUNT(DISTINCT bidder) AS b, SUM(DISTINCT quantity) AS c, COUNT(DISTINCT price) AS d FROM bids WHERE quantity < 100
