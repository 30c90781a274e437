SET 'table.exec.mini-batch.enabled' = 'yes';
