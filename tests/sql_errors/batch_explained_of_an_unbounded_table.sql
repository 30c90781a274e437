SET 'execution.runtime-mode' = 'batch';
CREATE TABLE endless (n INT) WITH ('connector' = 'kafka', 'topic' = 'endless', 'format' = 'json');
EXPLAIN SELECT n FROM endless ORDER BY n;
