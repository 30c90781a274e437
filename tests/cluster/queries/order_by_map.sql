-- A map has no order.
SELECT id FROM kinds ORDER BY m LIMIT 2
