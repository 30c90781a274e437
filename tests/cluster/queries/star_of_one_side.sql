-- alias.* of a join.
SELECT o.*, r.rate FROM orders AS o JOIN rates AS r ON r.currency = o.currency AND r.rate < 0.91
