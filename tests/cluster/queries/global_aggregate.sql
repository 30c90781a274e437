-- One row of all, over rows that come.
SELECT COUNT(*) AS n, COUNT(DISTINCT bidder) AS who, SUM(price) AS total, AVG(price) AS mean, MIN(ts) AS first_ts, MAX(quantity) AS most FROM bids
