-- A table with itself.
SELECT x.bidder, y.bidder AS rival FROM bids AS x JOIN bids AS y ON x.auction = y.auction AND x.bidder < y.bidder
