-- A view with a condition on its key, in whose place no other version can come.
CREATE VIEW versioned AS SELECT rate, ts, currency FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY currency ORDER BY ts DESC) AS rn FROM rates) AS t WHERE rn = 1 AND currency <> 'JPY';
SELECT o.id, o.currency, r.rate FROM orders AS o LEFT JOIN versioned FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency
