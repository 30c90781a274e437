CREATE TABLE t (
  ts TIMESTAMP(3),
  WATERMARK FOR time_stamp AS ts
) WITH ('connector' = 'kafka');
