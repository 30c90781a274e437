-- IN, correlated.
SELECT b.auction, b.bidder FROM bids AS b WHERE b.bidder IN (SELECT o.bidder FROM offers AS o WHERE o.auction = b.auction)
