-- A condition beside the keys.
SELECT b.bidder, o.bidder AS other FROM bids AS b JOIN offers AS o ON b.auction = o.auction AND b.price > o.price
