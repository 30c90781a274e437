-- A scalar subquery.
SELECT bidder, price FROM bids WHERE price = (SELECT MAX(price) FROM bids)
