-- SESSION gives each row with the session that it was in when that was over; groupings other than by its partition too.
CREATE TABLE clicks (who STRING, page STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json');
CREATE TABLE placed (who STRING, page STRING, ts TIMESTAMP(3), window_start TIMESTAMP(3), window_end TIMESTAMP(3))
WITH ('connector' = 'kafka', 'topic' = 'placed', 'format' = 'json');
CREATE TABLE visits (window_start TIMESTAMP(3), window_end TIMESTAMP(3), visitors BIGINT, pages BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'visits', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO placed
SELECT who, page, ts, window_start, window_end
FROM TABLE(SESSION(TABLE clicks PARTITION BY who, DESCRIPTOR(ts), INTERVAL '5' MINUTE));
INSERT INTO visits
SELECT window_start, window_end, COUNT(DISTINCT who), COUNT(DISTINCT page)
FROM TABLE(SESSION(DATA => TABLE clicks, TIMECOL => DESCRIPTOR(ts), GAP => INTERVAL '5' MINUTE))
GROUP BY window_start, window_end;
END;
