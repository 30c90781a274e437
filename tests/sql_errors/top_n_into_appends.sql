CREATE TABLE appended (channel STRING, price BIGINT) WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json');
INSERT INTO appended SELECT channel, price
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY channel ORDER BY price) AS n FROM bids) WHERE n <= 3;
