-- Nexmark's query 14 names a Java class, which has an equivalent here.
CREATE TABLE bid (id INT, extra STRING) WITH ('connector' = 'kafka', 'topic' = 'bid', 'format' = 'json');
CREATE TABLE o (id INT, c BIGINT, byte_of_two BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE FUNCTION count_char AS 'com.github.nexmark.flink.udf.CountChar';
INSERT INTO o SELECT id, count_char(extra, 'c'), count_char(extra, 'ã') FROM bid;
