SET 'execution.runtime-mode' = 'batch';
SELECT id, LEAD(id, 1, TRUE) OVER (ORDER BY id) FROM kinds
