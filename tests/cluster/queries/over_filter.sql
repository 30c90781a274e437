-- FILTER is refused before OVER.
SELECT auction, COUNT(*) FILTER (WHERE paid) OVER (PARTITION BY auction ORDER BY ts) AS s FROM bids
