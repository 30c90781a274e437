-- An aggregate within an aggregate is refused.
SELECT SUM(COUNT(*)) FROM bids
