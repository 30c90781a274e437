-- A window that has fired fires again for each late row, and replaces what it gave.
SET 'table.exec.emit.late-fire.enabled' = 'true';
SET 'table.exec.emit.late-fire.delay' = '0 s';
SET 'table.exec.emit.allow-lateness' = '1 h';
SELECT auction, TUMBLE_START(ts, INTERVAL '5' SECOND) AS w, COUNT(*) AS n, SUM(price) AS total FROM bids GROUP BY auction, TUMBLE(ts, INTERVAL '5' SECOND)
