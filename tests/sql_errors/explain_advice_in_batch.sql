SET 'execution.runtime-mode' = 'batch';
EXPLAIN PLAN_ADVICE SELECT price FROM bids;
