-- differs: Flink cannot compare what it keeps for LAG.
SELECT auction, price, LAG(bidder) OVER (PARTITION BY auction ORDER BY price) AS n FROM bids
