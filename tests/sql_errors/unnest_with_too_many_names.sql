INSERT INTO anything SELECT a, price FROM bids CROSS JOIN UNNEST(tags) AS t (a, b);
