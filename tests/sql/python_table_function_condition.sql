-- LEFT JOIN of a Python table function by a condition: a row stays also where none of its function's rows passes.
CREATE TABLE lines (id INT, line STRING) WITH (
  'connector' = 'kafka', 'topic' = 'lines', 'format' = 'json'
);
CREATE TABLE long_words (id INT, word STRING) WITH ('connector' = 'print');
CREATE TABLE numbered (id INT, word STRING) WITH ('connector' = 'print');
CREATE TABLE no_words (id INT, word STRING) WITH ('connector' = 'print');
CREATE FUNCTION words AS 'python_table_function_condition.words' LANGUAGE PYTHON;
INSERT INTO long_words SELECT id, w.word FROM lines LEFT JOIN LATERAL TABLE(words(line)) AS w(word, size) ON size > 2;
INSERT INTO numbered SELECT id, w.word FROM lines LEFT JOIN LATERAL TABLE(words(line)) AS w(word, size) ON size = id;
INSERT INTO no_words SELECT id, w.word FROM lines LEFT JOIN LATERAL TABLE(words(line)) AS w(word, size) ON FALSE;
