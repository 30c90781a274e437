-- The last value that is new, of a group.
SELECT auction, LAST_VALUE(DISTINCT price) AS l, FIRST_VALUE(DISTINCT price) AS f FROM bids GROUP BY auction
