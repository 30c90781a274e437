-- Python functions of one row: typed by hints and by declarations, over NULLs and nested values, in every clause.
CREATE TABLE bids (id INT, net DECIMAL(10, 2), place STRING, words STRING, ts TIMESTAMP(3), due DATE)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE o (
  id INT, gross DOUBLE, dear DOUBLE, cents DECIMAL(10, 2), shown STRING, city STRING, code BIGINT, first_tag STRING,
  letters BIGINT, later DATE, moment STRING, prefixed STRING, known BOOLEAN, lazily DOUBLE
) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE FUNCTION gross AS 'python_functions.gross' LANGUAGE PYTHON;
CREATE FUNCTION cents AS 'python_functions.cents' LANGUAGE PYTHON;
CREATE TEMPORARY FUNCTION shown AS 'python_functions.shown' LANGUAGE PYTHON;
CREATE FUNCTION place AS 'python_functions.place' LANGUAGE PYTHON;
CREATE FUNCTION tags AS 'python_functions.tags' LANGUAGE PYTHON;
CREATE FUNCTION lengths AS 'python_functions.lengths' LANGUAGE PYTHON;
CREATE FUNCTION total AS 'python_functions.total' LANGUAGE PYTHON;
CREATE FUNCTION later AS 'python_functions.later' LANGUAGE PYTHON;
CREATE FUNCTION moment AS 'python_functions.moment' LANGUAGE PYTHON;
CREATE TEMPORARY SYSTEM FUNCTION INITCAP AS 'python_functions.Prefix' LANGUAGE PYTHON;
CREATE FUNCTION IF NOT EXISTS is_known AS 'python_functions.is_known' LANGUAGE PYTHON;
CREATE FUNCTION IF NOT EXISTS is_known AS 'nowhere.at_all' LANGUAGE PYTHON;
INSERT INTO o
SELECT id, gross(net), GROSS(net, 1.5), cents(net), shown(id), place(place).city, place(place).zip_code, tags(words)[1],
  total(lengths(tags(words))), later(due, 31), default_database.moment(ts), INITCAP(place, CAST(NULL AS STRING)),
  is_known(place(place)), CASE WHEN net > 10 THEN gross(1000 / (net - 10)) END
FROM bids
WHERE gross(net) > 5;
