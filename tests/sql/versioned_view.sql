-- A temporal join of a view that keeps each key's last row: every row that was the last is a version, also where several
-- come at once. A row that is older than the last one of its key is none; of equal times the later one stands.
CREATE TABLE orders (id INT, currency STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json');
CREATE TABLE quotes (
  currency STRING, rate INT, bank STRING, since TIMESTAMP(3), WATERMARK FOR since AS since - INTERVAL '10' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'quotes', 'format' = 'json');
CREATE VIEW rates AS
SELECT currency, rate * 10 AS tenfold, since
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY currency ORDER BY since DESC) AS n FROM quotes) AS numbered
WHERE n = 1;

CREATE TABLE converted (id INT, tenfold INT) WITH ('connector' = 'kafka', 'topic' = 'converted', 'format' = 'json');
INSERT INTO converted
SELECT o.id, r.tenfold
FROM orders AS o LEFT JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency;
