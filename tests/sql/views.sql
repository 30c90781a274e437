-- Views over views, a CTE and a subquery mean what their text means in place.
CREATE TABLE bids (auction INT, price INT) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE VIEW odd (auction_id, amount) AS SELECT auction, price FROM bids WHERE MOD(auction, 2) = 1;
CREATE VIEW dear AS SELECT * FROM odd WHERE amount > 5;
CREATE TABLE results (auction INT, amount INT, label STRING)
WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json');
INSERT INTO results
WITH labelled AS (SELECT auction_id, amount, CONCAT('a', CAST(auction_id AS STRING)) AS label FROM dear)
SELECT * FROM labelled WHERE label <> 'a3';
