-- differs: each number is compared with the column of its own row, as in a batch; Flink takes the one of the first row of the partition for all.
-- changelog differs: the rows are numbered and filtered here.
-- plan differs: the rows are numbered and filtered.
SELECT auction, bidder, quantity, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price) AS rn FROM bids) AS t WHERE rn <= quantity
