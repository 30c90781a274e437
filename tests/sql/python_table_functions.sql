-- Python table functions: rows for each row, with those that have none left out or kept.
CREATE TABLE lines (id INT, line STRING) WITH (
  'connector' = 'kafka', 'topic' = 'lines', 'format' = 'json', 'riacho.bad-records' = 'dead-letter'
);
CREATE TABLE o (id INT, word STRING, size INT, letter STRING) WITH ('connector' = 'print');
CREATE FUNCTION words AS 'python_table_functions.words' LANGUAGE PYTHON;
CREATE FUNCTION letters AS 'python_table_functions.letters' LANGUAGE PYTHON;
INSERT INTO o SELECT id, w.word, w.size, l.letter
FROM lines LEFT JOIN LATERAL TABLE(words(line)) AS w(word, size) ON TRUE, LATERAL TABLE(letters(COALESCE(word, '-'))) AS l(letter);
