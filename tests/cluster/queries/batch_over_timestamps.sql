SET 'execution.runtime-mode' = 'batch';
-- differs: Flink cannot compile a distance between timestamps
SELECT auction, COUNT(*) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '2' SECOND PRECEDING AND INTERVAL '2' SECOND FOLLOWING) FROM bids
