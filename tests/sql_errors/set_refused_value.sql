SET 'execution.runtime-mode' = 'automatic';
