-- The second and third of counts that rise and fall; what leaves the first three makes room for what was kept behind.
CREATE TABLE people (id INT, city STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'people', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE cities (city STRING, people BIGINT) WITH ('connector' = 'print');

INSERT INTO cities
SELECT city, people
FROM (
  SELECT *, ROW_NUMBER() OVER (ORDER BY people DESC, city) AS place
  FROM (SELECT city, COUNT(*) AS people FROM people GROUP BY city)
)
WHERE place BETWEEN 2 AND 3;
