-- A condition that is NULL keeps nothing.
SELECT auction, bidder FROM bids WHERE quantity > 1
