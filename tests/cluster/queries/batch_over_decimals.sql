SET 'execution.runtime-mode' = 'batch';
SELECT d, COUNT(*) OVER (ORDER BY d RANGE BETWEEN 1 PRECEDING AND 0.5 FOLLOWING)
FROM (VALUES (1.0), (1.5), (2.0), (2.6)) AS t(d)
