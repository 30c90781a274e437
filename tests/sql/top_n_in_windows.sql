-- The two dearest bids of each window, and the last of each bidder in it, once the window has closed.
CREATE TABLE bids (bidder STRING, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE dearest (ends TIMESTAMP(3), place BIGINT, bidder STRING)
WITH ('connector' = 'kafka', 'topic' = 'dearest', 'format' = 'json');
CREATE TABLE lasts (bidder STRING, price INT) WITH ('connector' = 'kafka', 'topic' = 'lasts', 'format' = 'json');
CREATE VIEW windowed AS SELECT * FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND));

EXECUTE STATEMENT SET BEGIN
INSERT INTO dearest SELECT window_end, n, bidder FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY price DESC) AS n FROM windowed
) WHERE n <= 2;
INSERT INTO lasts SELECT bidder, price FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, bidder ORDER BY ts DESC) AS n FROM windowed
) WHERE n = 1;
END;
