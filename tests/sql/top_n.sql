-- The three dearest bids of each auction with their numbers: equal prices are numbered as they came.
CREATE TABLE bids (auction INT, bidder STRING, price INT)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE dearest (auction INT, place BIGINT, bidder STRING, price INT, PRIMARY KEY (auction, place) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'dearest', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO dearest
SELECT auction, place, bidder, price
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS place FROM bids)
WHERE place <= 3;
