-- A join over two running aggregates of one table, through a view that both share.
CREATE TABLE bids (auction INT, bidder INT, price INT)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE shares (bidder INT, auction INT, share INT, PRIMARY KEY (bidder, auction) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'shares', 'key.format' = 'json', 'value.format' = 'json');

CREATE VIEW per_auction AS SELECT auction, SUM(price) AS total FROM bids GROUP BY auction;
CREATE VIEW per_bidder AS SELECT auction, bidder, SUM(price) AS total FROM bids GROUP BY auction, bidder;

INSERT INTO shares
SELECT b.bidder, b.auction, 100 * b.total / a.total
FROM per_bidder AS b JOIN per_auction AS a ON a.auction = b.auction;
