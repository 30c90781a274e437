-- A condition without any key.
SELECT b.bidder, a.id FROM bids AS b JOIN auctions AS a ON b.price > a.reserve WHERE b.quantity = 1
