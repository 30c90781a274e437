INSERT INTO anything SELECT channel, SUM(channel) FROM bids GROUP BY channel;
