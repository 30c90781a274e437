-- Conditions of the view that a temporal join looks up: a version that they throw away ends the one before it, so that
-- nothing stands until the next. A view of each key's first row has one version, which stands from its time on.
CREATE TABLE orders (id INT, currency STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json');
CREATE TABLE quotes (currency STRING, rate INT, bank STRING, since TIMESTAMP(3), WATERMARK FOR since AS since)
WITH ('connector' = 'kafka', 'topic' = 'quotes', 'format' = 'json');
CREATE VIEW latest AS
SELECT currency, rate * 10 AS tenfold, bank, since
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY currency ORDER BY since DESC) AS n FROM quotes) AS numbered
WHERE n = 1 AND bank <> 'closed';
CREATE VIEW moderate AS SELECT tenfold, since, currency FROM latest WHERE tenfold < 90 AND currency <> 'JPY';
CREATE VIEW opening AS
SELECT currency, rate, since
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY currency ORDER BY since) AS n FROM quotes) AS numbered
WHERE n = 1;

CREATE TABLE converted (id INT, tenfold INT) WITH ('connector' = 'kafka', 'topic' = 'converted', 'format' = 'json');
CREATE TABLE met (id INT, tenfold INT) WITH ('connector' = 'kafka', 'topic' = 'met', 'format' = 'json');
CREATE TABLE opened (id INT, rate INT) WITH ('connector' = 'kafka', 'topic' = 'opened', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO converted
SELECT o.id, r.tenfold
FROM orders AS o LEFT JOIN moderate FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency;
INSERT INTO met
SELECT o.id, r.tenfold
FROM orders AS o JOIN moderate FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency AND o.id <> 2;
INSERT INTO opened
SELECT o.id, r.rate
FROM orders AS o LEFT JOIN opening FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency;
END;
