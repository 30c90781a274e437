-- An expression as a key.
SELECT b.bidder, a.id FROM bids AS b JOIN auctions AS a ON b.auction + 1 = a.id
