INSERT INTO anything SELECT channel, COUNT(DISTINCT (auction, price)) FROM bids GROUP BY channel;
