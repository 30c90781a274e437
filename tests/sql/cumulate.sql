-- Windows that grow by a step up to their greatest size; a late row counts in those that are still open.
CREATE TABLE bids (auction BIGINT, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE totals (window_start TIMESTAMP(3), window_end TIMESTAMP(3), n BIGINT, total BIGINT, auctions BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'totals', 'format' = 'json');

CREATE TABLE placed (auction BIGINT, window_start TIMESTAMP(3), window_end TIMESTAMP(3), window_time TIMESTAMP(3))
WITH ('connector' = 'kafka', 'topic' = 'placed', 'format' = 'json');

EXECUTE STATEMENT SET BEGIN
INSERT INTO totals
SELECT window_start, window_end, COUNT(*), SUM(price), COUNT(DISTINCT auction)
FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND))
GROUP BY window_start, window_end;
INSERT INTO placed
SELECT auction, window_start, window_end, window_time
FROM TABLE(CUMULATE(DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts), STEP => INTERVAL '10' SECOND,
  SIZE => INTERVAL '30' SECOND, `OFFSET` => INTERVAL '-5' SECOND))
WHERE auction = 1;
END;
