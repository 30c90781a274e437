SET 'execution.runtime-mode' = 'batch';
SELECT d, COUNT(*) OVER (ORDER BY d DESC RANGE BETWEEN 1.5 PRECEDING AND 2 FOLLOWING)
FROM (VALUES (1e0), (2e0), (2.5e0), (4e0)) AS t(d)
