CREATE TABLE bids (auction BIGINT NOT NULL, price DECIMAL(10, 2), ts TIMESTAMP(3)) WITH ('connector' = 'datagen');
CREATE TABLE copy WITH ('connector' = 'print') AS SELECT auction, price FROM bids;
DESCRIBE copy;
CREATE TABLE more (extra INT, twice AS price * 2, price DOUBLE, WATERMARK FOR ts AS ts, PRIMARY KEY (auction) NOT ENFORCED)
WITH ('connector' = 'print') AS SELECT auction, price, ts FROM bids;
DESCRIBE more;
CREATE TABLE other_order (price, auction) WITH ('connector' = 'print') AS SELECT auction, price FROM bids;
DESCRIBE other_order;
CREATE OR REPLACE TABLE copy WITH ('connector' = 'blackhole') AS SELECT price FROM bids;
REPLACE TABLE more WITH ('connector' = 'blackhole') AS SELECT COUNT(*) AS n FROM bids;
DESCRIBE copy;
DESCRIBE more;
