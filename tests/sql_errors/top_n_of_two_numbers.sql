INSERT INTO anything SELECT channel, price FROM (
  SELECT *, RANK() OVER (ORDER BY price DESC) AS n, DENSE_RANK() OVER (ORDER BY price DESC) AS r FROM bids
) WHERE n <= 3 AND r <= 3;
