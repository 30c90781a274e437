-- The average of the highest bids: join, MAX, AVG.
SELECT category, AVG(final) AS mean FROM (SELECT MAX(b.price) AS final, a.category FROM auctions AS a JOIN bids AS b ON a.id = b.auction WHERE b.ts BETWEEN a.ts AND a.expires GROUP BY a.id, a.category) AS q GROUP BY category
