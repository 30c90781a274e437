INSERT INTO anything SELECT channel, COUNT(*) FROM bids GROUP BY CUBE (channel, ROLLUP (price));
