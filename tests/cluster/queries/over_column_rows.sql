-- Totals up to each row in the order of a column, NULL last.
SELECT auction, price, COUNT(*) OVER w AS n, SUM(quantity) OVER w AS q, MIN(bidder) OVER w AS m FROM bids WINDOW w AS (PARTITION BY auction ORDER BY price NULLS LAST ROWS UNBOUNDED PRECEDING)
