-- QUALIFY keeps rows by their number, as a subquery with WHERE around it would.
CREATE TABLE bids (item STRING, price BIGINT, pt AS PROCTIME())
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE highest (item STRING, price BIGINT, place BIGINT, PRIMARY KEY (item, place) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'highest', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE firsts (item STRING, doubled BIGINT) WITH ('connector' = 'kafka', 'topic' = 'firsts', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO highest
SELECT item, price, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price DESC) AS place FROM bids QUALIFY place <= 2;
INSERT INTO firsts
SELECT item, 2 * price FROM bids WHERE price > 1
WINDOW w AS (PARTITION BY item ORDER BY pt) QUALIFY ROW_NUMBER() OVER w = 1;
END;
