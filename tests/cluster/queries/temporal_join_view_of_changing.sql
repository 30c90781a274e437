-- A view of what changes without a time.
CREATE VIEW versioned AS SELECT currency, COUNT(*) AS n FROM rates GROUP BY currency;
SELECT o.id, r.n FROM orders AS o JOIN versioned FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency
