-- DISTINCT keeps one of equal rows; NULLs are equal to each other.
CREATE TABLE visits (page STRING, country STRING)
WITH ('connector' = 'kafka', 'topic' = 'visits', 'format' = 'json');
CREATE TABLE pages (page STRING, country STRING) WITH ('connector' = 'print');
INSERT INTO pages SELECT DISTINCT page, country FROM visits;
