INSERT INTO anything
SELECT channel, SUM(price) AS s FROM bids GROUP BY channel QUALIFY ROW_NUMBER() OVER (ORDER BY SUM(price) DESC) <= 3;
