-- Rows that are put together in a join's condition: NULL where a field is, so that nothing meets.
SELECT a.auction, a.bidder, a.quantity, b.price
FROM bids AS a LEFT JOIN offers AS b ON (a.auction, a.bidder) = (b.auction, b.bidder)
