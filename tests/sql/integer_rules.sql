-- Integer division truncates towards zero, MOD has the sign of the dividend, sums wrap.
CREATE TABLE pairs (a INT, b INT) WITH ('connector' = 'kafka', 'topic' = 'pairs', 'format' = 'json');

CREATE TABLE results (a INT, b INT, quotient INT, remainder INT, total INT, product BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json');

INSERT INTO results SELECT a, b, a / b, MOD(a, b), a + b, CAST(a AS BIGINT) * b FROM pairs;
