SET 'execution.runtime-mode' = 'batch';
SELECT id, SUM(id) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), NTILE(2) OVER (PARTITION BY id > 2) FROM kinds
