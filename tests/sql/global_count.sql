-- An aggregate without GROUP BY has one group, and no row before its first one.
CREATE TABLE bids (price BIGINT) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE totals (n BIGINT, total BIGINT) WITH ('connector' = 'print');
INSERT INTO totals SELECT COUNT(*), SUM(price) FROM bids;
