-- What reads a column and comes to the same for all rows still comes to it for each row: a pattern has no fifth group.
-- A text that is split by nothing is split at each space.
CREATE TABLE t (s STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (x STRING) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
CREATE TABLE p (a STRING, b STRING) WITH ('connector' = 'kafka', 'topic' = 'p', 'format' = 'json');
INSERT INTO r SELECT REGEXP_EXTRACT(s, '(n)', 5) FROM t;
INSERT INTO p SELECT SPLIT_INDEX(s, '', 0), SPLIT_INDEX(s, '', 1) FROM t;
