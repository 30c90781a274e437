SET 'execution.runtime-mode' = 'batch';
SELECT COUNT(*) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND CURRENT ROW) FROM kinds
