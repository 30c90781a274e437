-- differs: Flink 2.2 takes a top-1 by what is no time for rows that are only added, so no old row is taken back (FLINK-40368).
-- changelog differs: as the rows are: Flink leaves old ones standing.
SELECT auction, bidder, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC, quantity) AS rn FROM bids) AS t WHERE rn = 1
