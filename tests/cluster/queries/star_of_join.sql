-- * of a join has all columns.
SELECT * FROM rates AS r JOIN orders AS o ON r.currency = o.currency AND r.ts = o.ts
