-- FULL JOIN.
SELECT o.bidder, a.id, a.seller FROM offers AS o FULL JOIN auctions AS a ON a.id = o.auction
