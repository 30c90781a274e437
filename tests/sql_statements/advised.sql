CREATE TABLE bids (auction BIGINT, bidder BIGINT, price BIGINT) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE people (id BIGINT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'people', 'key.format' = 'json', 'value.format' = 'json');
EXPLAIN PLAN_ADVICE SELECT name, COUNT(*) FROM bids JOIN people ON bidder = id GROUP BY name;
EXPLAIN PLAN_ADVICE, ESTIMATED_COST
SELECT name, n, SUM(n) OVER (ORDER BY n) FROM (SELECT name, RAND() AS n FROM people) AS t;
SET 'table.exec.state.ttl' = '1 d';
EXPLAIN PLAN_ADVICE SELECT b.price, name FROM bids AS o JOIN people ON o.bidder < id JOIN bids AS b ON b.auction = id;
EXPLAIN PLAN_ADVICE, CHANGELOG_MODE SELECT name, COUNT(*) FROM people GROUP BY name;
