-- SUM of DECIMAL(p, s) is DECIMAL(38, s), AVG has at least six digits after the point.
CREATE TABLE t (k STRING, v DECIMAL(8, 2)) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (k STRING, total DECIMAL(38, 2), mean DECIMAL(38, 6), least DECIMAL(8, 2)) WITH ('connector' = 'print');
INSERT INTO r SELECT k, SUM(v), AVG(v), MIN(v) FROM t GROUP BY k;
