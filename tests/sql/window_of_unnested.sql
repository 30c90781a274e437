-- Elements stay in the window of their row: each window is told once, when it has closed, and late rows are left out.
CREATE TABLE baskets (goods ARRAY<STRING>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'baskets', 'format' = 'json');
CREATE TABLE sold (starts TIMESTAMP(3), good STRING, n BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'sold', 'format' = 'json');
INSERT INTO sold
SELECT window_start, good, COUNT(*)
FROM TABLE(TUMBLE(TABLE baskets, DESCRIPTOR(ts), INTERVAL '5' SECOND)) CROSS JOIN UNNEST(goods) AS g (good)
GROUP BY window_start, window_end, good;
