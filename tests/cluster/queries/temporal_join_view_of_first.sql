-- A view that keeps the first row of each key.
CREATE VIEW versioned AS SELECT currency, rate, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY currency ORDER BY ts) AS rn FROM rates) AS t WHERE rn = 1;
SELECT o.id, o.currency, r.rate FROM orders AS o LEFT JOIN versioned FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency
