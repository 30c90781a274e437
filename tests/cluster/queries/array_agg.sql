-- ARRAY_AGG keeps NULLs.
SELECT auction, ARRAY_AGG(quantity) AS a FROM bids GROUP BY auction
