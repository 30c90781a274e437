-- INSERTs outside of a statement set are jobs of their own, each with a read of its own.
CREATE TABLE bids (auction INT, price INT) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE cheap (auction INT) WITH ('connector' = 'kafka', 'topic' = 'cheap', 'format' = 'json');
CREATE TABLE dear (auction INT) WITH ('connector' = 'kafka', 'topic' = 'dear', 'format' = 'json');
INSERT INTO cheap SELECT auction FROM bids WHERE price < 10;
INSERT INTO dear SELECT auction FROM bids WHERE price >= 10;
