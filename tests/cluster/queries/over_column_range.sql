-- Totals of rows in the order of a column, peers alike.
SELECT auction, price, COUNT(*) OVER w AS n, SUM(quantity) OVER w AS q, MAX(bidder) OVER w AS m, FIRST_VALUE(bidder) OVER w AS f, LAST_VALUE(bidder) OVER w AS l FROM bids WINDOW w AS (PARTITION BY auction ORDER BY price)
