-- The first rows of an order: in a job, and in a query within it.
CREATE TABLE bids (bidder STRING, price INT) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE dearest (bidder STRING, price INT) WITH ('connector' = 'print');
CREATE TABLE totals (total BIGINT) WITH ('connector' = 'print');
CREATE TABLE first_two (bidder STRING) WITH ('connector' = 'kafka', 'topic' = 'first_two', 'format' = 'json');

EXECUTE STATEMENT SET BEGIN
INSERT INTO dearest SELECT bidder, price FROM bids ORDER BY price DESC, 1 LIMIT 2 OFFSET 1;
INSERT INTO totals SELECT SUM(price) FROM (SELECT price FROM bids ORDER BY price DESC FETCH NEXT 2 ROWS ONLY);
INSERT INTO first_two SELECT bidder FROM bids LIMIT 2;
END;
