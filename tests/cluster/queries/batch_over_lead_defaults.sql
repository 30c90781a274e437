SET 'execution.runtime-mode' = 'batch';
SELECT id, LEAD(id) OVER (ORDER BY id), LEAD(id, 1, 0) OVER (ORDER BY id) FROM kinds
