-- Versions that come out of order: what is older than the last one of its key is none.
CREATE VIEW versioned AS SELECT auction, bidder AS who, price, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY ts DESC) AS rn FROM bids) AS t WHERE rn = 1;
SELECT o.auction, o.bidder, o.ts, v.who, v.price FROM offers AS o LEFT JOIN versioned FOR SYSTEM_TIME AS OF o.ts AS v ON o.auction = v.auction WHERE o.auction IS NOT NULL
