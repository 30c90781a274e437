INSERT INTO anything SELECT t.a, price FROM bids CROSS JOIN UNNEST(price) AS t (a);
