INSERT INTO anything
SELECT channel, price, COUNT(*) FROM bids GROUP BY channel;
