-- An aggregate in WHERE is refused.
SELECT auction FROM bids WHERE COUNT(*) > 1
