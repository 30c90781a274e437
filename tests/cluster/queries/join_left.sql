-- Bids without an auction stay, with NULLs.
SELECT b.auction, b.bidder, a.seller, a.reserve FROM bids AS b LEFT JOIN auctions AS a ON a.id = b.auction
