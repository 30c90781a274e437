-- A failure names the column that the table was given, through HAVING and what is computed of the function's value.
CREATE TABLE t (a BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE o (ended TIMESTAMP(3), n BIGINT, doubled DOUBLE) WITH ('connector' = 'print');
CREATE FUNCTION reciprocal AS 'python_aggregate_fails_in_a_window.Reciprocal' LANGUAGE PYTHON;
INSERT INTO o SELECT window_end, COUNT(*), 2 * reciprocal(a)
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end
HAVING COUNT(*) > 0;
