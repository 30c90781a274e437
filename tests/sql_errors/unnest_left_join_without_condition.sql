INSERT INTO anything SELECT a, price FROM bids LEFT JOIN UNNEST(tags) AS t (a);
