INSERT INTO anything SELECT channel, COUNT(*) FROM bids GROUP BY channel HAVING price > 5;
