-- Bids with their auction: NULL joins nothing.
SELECT b.auction, b.bidder, a.seller, a.reserve < b.price AS enough FROM bids AS b JOIN auctions AS a ON a.id = b.auction
