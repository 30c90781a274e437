INSERT INTO anything SELECT channel, price
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY channel ORDER BY price) AS n FROM bids) WHERE n <= 0;
