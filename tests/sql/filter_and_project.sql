-- q0/q1/q2 in one: expressions over columns, a filter with three-valued logic.
CREATE TABLE bids (auction BIGINT, price BIGINT, channel STRING)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE dear (auction BIGINT, euro DECIMAL(23, 3), channel STRING)
WITH ('connector' = 'kafka', 'topic' = 'dear', 'format' = 'json');

INSERT INTO dear
SELECT auction, 0.908 * price, UPPER(channel) FROM bids WHERE MOD(auction, 2) = 1 AND NOT (price < 10);
