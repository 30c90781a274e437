-- A condition that always holds.
SELECT o.id, r.currency FROM orders AS o JOIN rates AS r ON TRUE WHERE o.id < 3
