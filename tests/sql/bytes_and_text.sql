-- BYTES travel as Base64 in JSON; ENCODE, DECODE, TO_BASE64 and hexadecimal literals.
CREATE TABLE t (b BYTES, s STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (b BYTES, decoded STRING, encoded BYTES, b64 STRING, literal BYTES)
WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r SELECT b, DECODE(b, 'UTF-8'), ENCODE(s, 'UTF-8'), TO_BASE64(s), x'0aff' FROM t;
