-- Tables with commas between.
SELECT b.bidder, a.seller FROM bids AS b, auctions AS a WHERE b.auction = a.id AND a.reserve < b.price
