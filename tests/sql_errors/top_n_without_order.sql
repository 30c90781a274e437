INSERT INTO anything SELECT channel, price
FROM (SELECT *, RANK() OVER (PARTITION BY channel) AS n FROM bids) WHERE n <= 3;
