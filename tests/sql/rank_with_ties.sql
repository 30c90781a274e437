-- RANK and DENSE_RANK number equals alike: an extension.
CREATE TABLE scores (player STRING, score DECIMAL(20, 2))
WITH ('connector' = 'kafka', 'topic' = 'scores', 'format' = 'json');
CREATE TABLE ranked (player STRING, score DECIMAL(20, 2), place BIGINT) WITH ('connector' = 'print');
CREATE TABLE dense (player STRING, place BIGINT) WITH ('connector' = 'print');

EXECUTE STATEMENT SET BEGIN
INSERT INTO ranked
SELECT * FROM (SELECT *, RANK() OVER (ORDER BY score DESC) AS place FROM scores) WHERE place <= 2;
INSERT INTO dense
SELECT player, place FROM (SELECT *, DENSE_RANK() OVER (ORDER BY score DESC) AS place FROM scores) WHERE place <= 2;
END;
