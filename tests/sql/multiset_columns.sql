-- A MULTISET is the type of a column, too: in JSON an object of each text and its number, as in Flink.
CREATE TABLE t (x MULTISET<STRING>) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (x MULTISET<STRING>) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r SELECT x FROM t;
