-- In another order than that of time a row that comes changes what the rows behind it have; rows may change.
CREATE TABLE bids (auction BIGINT, bidder STRING, price DECIMAL(10, 2))
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE accounts (id STRING, branch INT, balance INT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'accounts', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE sofar (auction BIGINT, bidder STRING, price DECIMAL(10, 2), n BIGINT, bidders STRING, before STRING)
WITH ('connector' = 'kafka', 'topic' = 'sofar', 'format' = 'debezium-json');
CREATE TABLE numbered (auction BIGINT, bidder STRING, number BIGINT, total DECIMAL(38, 2))
WITH ('connector' = 'kafka', 'topic' = 'numbered', 'format' = 'debezium-json');
CREATE TABLE below (id STRING, below INT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'below', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE odd (bidder STRING)
WITH ('connector' = 'kafka', 'topic' = 'odd', 'format' = 'debezium-json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO sofar
SELECT auction, bidder, price, COUNT(DISTINCT bidder) OVER w, LISTAGG(bidder) OVER w, LAG(bidder) OVER w
FROM bids WINDOW w AS (PARTITION BY auction ORDER BY price);
INSERT INTO numbered
SELECT auction, bidder, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price),
  SUM(price) OVER (PARTITION BY auction ORDER BY price ROWS UNBOUNDED PRECEDING)
FROM bids;
INSERT INTO below SELECT id, SUM(balance) OVER (ORDER BY balance) FROM accounts;
INSERT INTO odd
SELECT bidder FROM (SELECT bidder, ROW_NUMBER() OVER (ORDER BY bidder NULLS LAST) AS n FROM bids) AS t WHERE MOD(n, 2) = 1;
END;
