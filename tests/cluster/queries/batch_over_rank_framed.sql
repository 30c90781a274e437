SET 'execution.runtime-mode' = 'batch';
SELECT RANK() OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM kinds
