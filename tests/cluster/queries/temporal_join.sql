-- The rate that held when the order came.
CREATE VIEW versioned AS SELECT currency, rate, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY currency ORDER BY ts DESC) AS rn FROM rates) AS t WHERE rn = 1;
SELECT o.id, o.currency, o.amount * r.rate AS euros FROM orders AS o JOIN versioned FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency
