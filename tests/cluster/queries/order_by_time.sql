-- ORDER BY row time.
SELECT auction, ts FROM bids ORDER BY ts
