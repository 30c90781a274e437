-- A full join with a condition beside its key.
SELECT o.bidder, o.price, a.id FROM offers AS o FULL JOIN auctions AS a ON o.auction = a.id AND o.price >= a.reserve
