-- A sum of INT stays an INT.
SELECT auction, SUM(quantity) AS q FROM bids GROUP BY auction
