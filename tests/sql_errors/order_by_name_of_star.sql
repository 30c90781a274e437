EXPLAIN SELECT *, channel AS price FROM bids ORDER BY price + 1 LIMIT 3;
