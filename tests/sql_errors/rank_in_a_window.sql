INSERT INTO anything SELECT channel, price FROM (
  SELECT *, RANK() OVER (PARTITION BY window_start, window_end ORDER BY price) AS n
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR))
) WHERE n <= 3;
