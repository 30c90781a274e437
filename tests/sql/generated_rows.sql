-- datagen, a seeded table that ends: sequences and constants.
CREATE TABLE numbers (n BIGINT, k AS MOD(n, 3))
WITH ('connector' = 'datagen', 'number-of-rows' = '100', 'rows-per-second' = '1000000',
      'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '1000');
CREATE TABLE sums (k BIGINT, n BIGINT, total BIGINT) WITH ('connector' = 'print');
INSERT INTO sums SELECT k, COUNT(*), SUM(n) FROM numbers GROUP BY k;
