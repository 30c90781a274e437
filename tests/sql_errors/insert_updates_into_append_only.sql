INSERT INTO totals
SELECT channel, SUM(price) FROM bids GROUP BY channel;
