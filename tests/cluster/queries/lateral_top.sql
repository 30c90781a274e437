-- The first rows for each of a table's own values, by a lateral query.
-- plan differs: the lateral query is joined here; Flink ranks the table alone.
-- changelog differs: a join by a column that is no key asks for old values.
SELECT c.currency, t.rate, t.ts FROM (SELECT DISTINCT currency FROM rates) AS c, LATERAL (SELECT rate, ts FROM rates AS r WHERE r.currency = c.currency ORDER BY rate DESC LIMIT 2) AS t
