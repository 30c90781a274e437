INSERT INTO anything
SELECT channel, price FROM bids AS b
WHERE EXISTS (SELECT 1 FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR)) AS w WHERE w.bidder = b.bidder
  GROUP BY window_start, window_end);
