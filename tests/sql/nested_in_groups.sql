-- A field of a row as a key, an element of an array as an argument.
CREATE TABLE people (home ROW<city STRING>, ages ARRAY<INT>)
WITH ('connector' = 'kafka', 'topic' = 'people', 'format' = 'json');
CREATE TABLE cities (city STRING, n BIGINT, oldest INT) WITH ('connector' = 'print');
INSERT INTO cities SELECT people.home.city, COUNT(*), MAX(ages[1]) FROM people GROUP BY people.home.city;
