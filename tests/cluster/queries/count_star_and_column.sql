-- COUNT of a NULL column and of everything.
SELECT COUNT(*) AS a, COUNT(quantity) AS b, COUNT(1) AS c, COUNT(auction, quantity) AS d FROM bids
