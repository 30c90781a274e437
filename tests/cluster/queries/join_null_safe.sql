-- A key that compares NULLs as equal.
SELECT b.bidder, o.bidder AS other FROM bids AS b JOIN offers AS o ON b.auction IS NOT DISTINCT FROM o.auction AND b.price = o.price
