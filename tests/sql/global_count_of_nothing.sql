-- A streaming global aggregate over no rows is no row.
CREATE TABLE bids (price BIGINT) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE totals (n BIGINT, total BIGINT) WITH ('connector' = 'print');
INSERT INTO totals SELECT COUNT(*), SUM(price) FROM bids WHERE price > 100;
