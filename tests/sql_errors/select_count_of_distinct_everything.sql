INSERT INTO anything SELECT channel, COUNT(DISTINCT *) FROM bids GROUP BY channel;
