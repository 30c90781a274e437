SET 'execution.savepoint.path' = '/tmp/s';
