-- Functions that keep values, in sessions: a row that joins two sessions joins their lists.
CREATE TABLE clicks (who STRING, page STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '30' MINUTE)
WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json');

CREATE TABLE visits (who STRING, start_time TIMESTAMP(3), pages BIGINT, path STRING, bag MULTISET<STRING>, `first` STRING)
WITH ('connector' = 'kafka', 'topic' = 'visits', 'format' = 'json');

INSERT INTO visits
SELECT who, window_start, COUNT(DISTINCT page), LISTAGG(page, ' > '), COLLECT(page), FIRST_VALUE(page)
FROM TABLE(SESSION(TABLE clicks PARTITION BY who, DESCRIPTOR(ts), INTERVAL '10' MINUTE))
GROUP BY who, window_start, window_end;
