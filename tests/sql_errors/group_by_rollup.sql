INSERT INTO anything SELECT channel, COUNT(*) FROM bids GROUP BY ROLLUP (channel);
