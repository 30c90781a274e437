-- Views over views.
CREATE VIEW dear AS SELECT auction, bidder, price FROM bids WHERE price > 5;
CREATE VIEW dearest AS SELECT auction, MAX(price) AS price FROM dear GROUP BY auction;
SELECT d.bidder, e.price FROM dear AS d JOIN dearest AS e ON d.auction = e.auction AND d.price = e.price
