INSERT INTO anything SELECT channel, SUM((SELECT MAX(id) FROM people)) FROM bids GROUP BY channel;
