INSERT INTO anything
SELECT channel, price
FROM TABLE(TUMBLE((SELECT channel, price, PROCTIME() AS pt FROM bids), DESCRIPTOR(pt), INTERVAL '1' HOUR));
