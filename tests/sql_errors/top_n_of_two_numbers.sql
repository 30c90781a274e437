INSERT INTO anything SELECT channel, price FROM (
  SELECT *, ROW_NUMBER() OVER (ORDER BY price) AS n, RANK() OVER (ORDER BY price) AS r FROM bids
) WHERE n <= 3 AND r <= 3;
