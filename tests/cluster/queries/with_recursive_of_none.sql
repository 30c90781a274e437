WITH RECURSIVE dear AS (SELECT bidder, price FROM bids WHERE price > 10) SELECT bidder FROM dear
