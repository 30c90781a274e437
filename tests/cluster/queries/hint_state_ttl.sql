-- A hint on how long a join's rows live.
SELECT /*+ STATE_TTL('b' = '1 d', 'a' = '2 d') */ b.bidder, a.seller FROM bids AS b JOIN auctions AS a ON b.auction = a.id
