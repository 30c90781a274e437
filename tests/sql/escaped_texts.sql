-- Texts with C's escapes, and such as have a length of nothing.
CREATE TABLE given (name STRING) WITH ('connector' = 'kafka', 'topic' = 'given', 'format' = 'json');
CREATE TABLE made (a STRING, b STRING, c STRING, d INT, found BOOLEAN)
WITH ('connector' = 'kafka', 'topic' = 'made', 'format' = 'json');

INSERT INTO made
SELECT
  E'one\ttwo\\n\n' || name, e'\x41\102\u00e9\U0001F388', E'it''s \'so\'''\\\' \q', CHAR_LENGTH(CAST(name AS VARCHAR(0))),
  name LIKE E'a\x25'
FROM given;
