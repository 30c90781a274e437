-- RIGHT JOIN.
SELECT b.bidder, a.id, a.seller FROM bids AS b RIGHT JOIN auctions AS a ON a.id = b.auction
