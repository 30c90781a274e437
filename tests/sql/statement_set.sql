-- One job, three sinks, one read of the table.
CREATE TABLE bids (auction INT, price INT) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE cheap (auction INT, price INT) WITH ('connector' = 'kafka', 'topic' = 'cheap', 'format' = 'json');
CREATE TABLE dear (auction INT, price INT) WITH ('connector' = 'kafka', 'topic' = 'dear', 'format' = 'json');
CREATE TABLE totals (auction INT, n BIGINT) WITH ('connector' = 'print');
EXECUTE STATEMENT SET BEGIN
INSERT INTO cheap SELECT * FROM bids WHERE price < 10;
INSERT INTO dear SELECT * FROM bids WHERE price >= 10;
INSERT INTO totals SELECT auction, COUNT(*) FROM bids GROUP BY auction;
END;
