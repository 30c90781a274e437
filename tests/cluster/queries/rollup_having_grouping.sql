-- Subtotals told apart by GROUPING_ID, filtered by it.
SELECT auction, paid, GROUPING_ID(auction, paid) AS id, SUM(quantity) AS q FROM bids GROUP BY ROLLUP (auction, paid) HAVING GROUPING_ID(auction, paid) > 0
