INSERT INTO anything SELECT channel, GROUPING(price) FROM bids GROUP BY ROLLUP (channel);
