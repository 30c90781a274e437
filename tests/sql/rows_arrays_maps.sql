-- Nested values: fields of a row, elements of an array, values of a map, and what is not there.
CREATE TABLE people (
  id INT, home ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>, tags ARRAY<STRING>, scores MAP<STRING, INT>
) WITH ('connector' = 'kafka', 'topic' = 'people', 'format' = 'json');
CREATE TABLE results (
  id INT, city STRING, lat DOUBLE, first_tag STRING, tag_count INT, maths INT, has_x BOOLEAN, pair ROW<a INT, b STRING>
) WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json');
INSERT INTO results
SELECT id, people.home.city, people.home.geo.lat, tags[1], CARDINALITY(tags), scores['maths'],
       ARRAY_CONTAINS(tags, 'x'), ROW(id, people.home.city)
FROM people;
