SET 'table.exec.resource.sort.memory' = 'much';
