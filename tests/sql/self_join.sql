-- A table joined with itself is read once.
CREATE TABLE people (id INT, boss INT, name STRING)
WITH ('connector' = 'kafka', 'topic' = 'people', 'format' = 'json');
CREATE TABLE bosses (name STRING, boss STRING)
WITH ('connector' = 'kafka', 'topic' = 'bosses', 'format' = 'json');
INSERT INTO bosses SELECT p.name, b.name FROM people AS p JOIN people AS b ON p.boss = b.id;
