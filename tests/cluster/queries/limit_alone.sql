-- LIMIT without an order.
SELECT k FROM nothing LIMIT 2
