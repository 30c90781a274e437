-- A condition on one side alone in ON.
SELECT b.bidder, a.seller FROM bids AS b LEFT JOIN auctions AS a ON b.auction = a.id AND b.price > 12
