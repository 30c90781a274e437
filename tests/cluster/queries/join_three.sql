-- Three tables in a row.
-- plan differs: joins by keys are one operator.
SELECT a.seller, b.bidder, o.quantity FROM auctions AS a JOIN bids AS b ON a.id = b.auction JOIN offers AS o ON o.auction = b.auction AND o.bidder = b.bidder
