-- Local item suggestion: who sells in three states in category 10.
CREATE TABLE auction (id BIGINT, seller BIGINT, category BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'auction', 'format' = 'json');
CREATE TABLE person (id BIGINT, name STRING, city STRING, state STRING)
WITH ('connector' = 'kafka', 'topic' = 'person', 'format' = 'json');
CREATE TABLE q3 (name STRING, city STRING, state STRING, id BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'q3', 'format' = 'json');
INSERT INTO q3
SELECT P.name, P.city, P.state, A.id
FROM auction AS A INNER JOIN person AS P ON A.seller = P.id
WHERE A.category = 10 AND (P.state = 'OR' OR P.state = 'ID' OR P.state = 'CA');
