CREATE TABLE names (id BIGINT, name STRING) WITH ('connector' = 'filesystem', 'path' = '/names', 'format' = 'json', 'lookup.cache' = 'PARTIAL');
INSERT INTO anything
SELECT /*+ LOOKUP('table' = 'n', 'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '1 s', 'max-attempts' = '3') */ name, price
FROM (SELECT *, PROCTIME() AS seen FROM bids) AS b
JOIN names FOR SYSTEM_TIME AS OF b.seen AS n ON b.bidder = n.id;
