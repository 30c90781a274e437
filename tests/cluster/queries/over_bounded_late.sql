-- differs: what comes behind the watermark is dropped; Flink's bounded frames take it as long as its partition has given nothing newer.
SELECT bidder, COUNT(*) OVER w AS n, AVG(price) OVER w AS p FROM bids WINDOW w AS (PARTITION BY bidder ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW)
