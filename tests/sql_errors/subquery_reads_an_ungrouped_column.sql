INSERT INTO anything
SELECT channel, COUNT(*) FROM bids GROUP BY channel
HAVING COUNT(*) > (SELECT MAX(id) FROM people WHERE id < price);
