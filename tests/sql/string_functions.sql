-- A cross-section of the string functions.
CREATE TABLE t (s STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (
  len INT, trimmed STRING, sub STRING, pos INT, rep STRING, lp STRING, spl STRING, rx STRING, ini STRING, rev STRING,
  lk BOOLEAN, sim BOOLEAN, md STRING
) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r
SELECT CHAR_LENGTH(s), TRIM(s), SUBSTRING(s, 2, 3), POSITION('a' IN s), REPLACE(s, 'a', 'ä'), LPAD(s, 5, '*'),
       SPLIT_INDEX(s, ',', 1), REGEXP_EXTRACT(s, '([a-z]+)(\d+)', 2), INITCAP(s), REVERSE(s), s LIKE '%a_',
       s SIMILAR TO '[a-z]+', MD5(s)
FROM t;
