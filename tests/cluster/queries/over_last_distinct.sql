-- The last value that is new.
SELECT auction, price, LAST_VALUE(DISTINCT price) OVER (PARTITION BY auction ORDER BY ts) AS l, FIRST_VALUE(DISTINCT price) OVER (PARTITION BY auction ORDER BY ts) AS f FROM bids
