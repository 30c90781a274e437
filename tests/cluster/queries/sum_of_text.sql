-- SUM of a text is refused.
SELECT SUM(bidder) FROM bids
