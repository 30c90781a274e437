CREATE TABLE noted (k INT, m MAP<STRING, INT>) WITH ('connector' = 'datagen');
EXPLAIN SELECT k FROM noted ORDER BY m LIMIT 3;
