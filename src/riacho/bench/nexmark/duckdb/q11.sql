WITH begun AS (
  SELECT bidder, dateTime, n,
    dateTime - LAG(dateTime) OVER (PARTITION BY bidder ORDER BY dateTime, n) > INTERVAL 10 SECOND AS begins
  FROM bid
), numbered AS (
  SELECT bidder, dateTime,
    COUNT(*) FILTER (WHERE begins) OVER (PARTITION BY bidder ORDER BY dateTime, n) AS session
  FROM begun
)
SELECT bidder, COUNT(*) AS bid_count, MIN(dateTime) AS starttime, MAX(dateTime) + INTERVAL 10 SECOND AS endtime
FROM numbered
GROUP BY bidder, session
