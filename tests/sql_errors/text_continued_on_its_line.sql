EXPLAIN SELECT 'one ' 'two';
