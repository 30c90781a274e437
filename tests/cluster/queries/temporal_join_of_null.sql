-- differs: NULL equals nothing, also not in a temporal join; in Flink it finds the version of NULL.
CREATE VIEW versioned AS SELECT auction, bidder AS who, price, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY ts DESC) AS rn FROM bids) AS t WHERE rn = 1;
SELECT o.auction, o.bidder, o.ts, v.who, v.price FROM offers AS o LEFT JOIN versioned FOR SYSTEM_TIME AS OF o.ts AS v ON o.auction = v.auction
