-- A full interval join.
SELECT o.id, r.currency, r.rate FROM orders AS o FULL JOIN rates AS r ON o.currency = r.currency AND o.ts >= r.ts AND o.ts < r.ts + INTERVAL '6' SECOND
