-- The raw format: the value is the column.
CREATE TABLE lines (line STRING) WITH ('connector' = 'kafka', 'topic' = 'lines', 'format' = 'raw');
CREATE TABLE words (word STRING, n BIGINT) WITH ('connector' = 'print');
INSERT INTO words SELECT SPLIT_INDEX(line, ' ', 0), COUNT(*) FROM lines GROUP BY SPLIT_INDEX(line, ' ', 0);
