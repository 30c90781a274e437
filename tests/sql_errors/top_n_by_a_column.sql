INSERT INTO anything SELECT channel, price
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY channel ORDER BY price DESC) AS n FROM bids) WHERE n <= price;
