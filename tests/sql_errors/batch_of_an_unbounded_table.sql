SET 'execution.runtime-mode' = 'batch';
CREATE TABLE out_rows (n INT) WITH ('connector' = 'print');
CREATE TABLE endless (n INT) WITH ('connector' = 'kafka', 'topic' = 'endless', 'format' = 'json');
INSERT INTO out_rows SELECT n FROM endless;
