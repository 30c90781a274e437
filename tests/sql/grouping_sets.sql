-- ROLLUP, CUBE and GROUPING SETS; a key may be an argument as well.
CREATE TABLE sales (city STRING, `year` INT, price INT)
WITH ('connector' = 'kafka', 'topic' = 'sales', 'format' = 'json');

CREATE TABLE rolled (city STRING, `year` INT, g BIGINT, id BIGINT, n BIGINT, total INT)
WITH ('connector' = 'print');
CREATE TABLE cubed (city STRING, `year` INT, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE chosen (city STRING, n BIGINT, years BIGINT) WITH ('connector' = 'print');
CREATE TABLE twice (city STRING, copy BIGINT, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE single (what STRING) WITH ('connector' = 'print');

EXECUTE STATEMENT SET BEGIN
INSERT INTO rolled
  SELECT city, `year`, GROUPING(city), GROUPING_ID(city, `year`), COUNT(*), SUM(`year`)
  FROM sales GROUP BY ROLLUP (city, `year`);
INSERT INTO cubed SELECT city, `year`, COUNT(*) FROM sales GROUP BY CUBE (city, `year`) HAVING GROUPING(`year`) = 1;
INSERT INTO chosen
  SELECT city, COUNT(price), COUNT(DISTINCT `year`) FROM sales GROUP BY GROUPING SETS ((city), ());
INSERT INTO twice SELECT city, GROUP_ID(), COUNT(*) FROM sales GROUP BY GROUPING SETS ((city), (city));
INSERT INTO single SELECT 'one row' FROM sales GROUP BY ();
END;
