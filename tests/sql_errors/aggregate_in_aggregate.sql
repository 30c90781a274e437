INSERT INTO anything SELECT channel, SUM(COUNT(*)) FROM bids GROUP BY channel;
