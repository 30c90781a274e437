SET 'table.exec.mini-batch.allow-latency' = '5 parsecs';
