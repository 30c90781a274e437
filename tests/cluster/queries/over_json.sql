-- JSON functions cannot be used with OVER.
SELECT auction, JSON_ARRAYAGG(bidder) OVER (PARTITION BY auction ORDER BY ts) AS s FROM bids
