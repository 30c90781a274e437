INSERT INTO anything SELECT channel, SUM(price) OVER v FROM bids WINDOW w AS (PARTITION BY channel ORDER BY ts);
