WITH counted AS (
  SELECT auction, COUNT(*) AS num, time_bucket(INTERVAL 2 SECOND, dateTime) - slide * INTERVAL 2 SECOND AS starttime
  FROM bid, range(5) AS slides(slide)
  GROUP BY ALL
)
SELECT auction, num FROM counted
QUALIFY num >= MAX(num) OVER (PARTITION BY starttime)
