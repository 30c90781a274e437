SET 'table.exec.source.cdc-events-duplicate' = 'true';
CREATE TABLE changes (id INT) WITH ('connector' = 'kafka', 'topic' = 'changes', 'format' = 'debezium-json');
EXPLAIN SELECT id FROM changes;
