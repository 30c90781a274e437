INSERT INTO anything SELECT a, price FROM bids RIGHT JOIN UNNEST(tags) AS t (a) ON TRUE;
