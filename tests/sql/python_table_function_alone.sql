-- A Python table function that reads no table: with TABLE(…) around its call, without, alone, joined and in subqueries.
CREATE TABLE numbers (id INT) WITH ('connector' = 'kafka', 'topic' = 'numbers', 'format' = 'json');
CREATE TABLE alone (word STRING, size INT) WITH ('connector' = 'print');
CREATE TABLE joined (id INT, word STRING) WITH ('connector' = 'print');
CREATE TABLE padded (id INT, word STRING) WITH ('connector' = 'print');
CREATE TABLE counted (id INT, n BIGINT) WITH ('connector' = 'print');
CREATE FUNCTION words AS 'python_table_function_alone.words' LANGUAGE PYTHON;
INSERT INTO alone SELECT * FROM TABLE(words('a riacho'))
UNION ALL SELECT size, word FROM default_database.words('to be') AS t(size, word) WHERE word = 2
UNION ALL SELECT * FROM TABLE(default_catalog.default_database.words('or not'));
INSERT INTO joined SELECT n.id, t.word FROM numbers AS n JOIN TABLE(words('a bb ccc')) AS t(word, size) ON size = id;
INSERT INTO padded SELECT id, word FROM numbers LEFT JOIN words('') AS t(word, size) ON TRUE;
INSERT INTO counted
SELECT id, (SELECT COUNT(*) FROM words('to be')) FROM numbers WHERE id IN (SELECT size FROM words('a bb') AS t(w, size));
