-- A count in a correlated subquery is 0 where there is no row.
SELECT a.id, (SELECT COUNT(*) FROM offers AS o WHERE o.auction = a.id) AS offers FROM auctions AS a
