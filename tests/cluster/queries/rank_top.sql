-- differs: an extension of Riacho; streams of Flink take ROW_NUMBER alone.
SELECT auction, bidder, rk FROM (SELECT *, RANK() OVER (PARTITION BY auction ORDER BY price DESC) AS rk FROM bids) AS t WHERE rk <= 2
