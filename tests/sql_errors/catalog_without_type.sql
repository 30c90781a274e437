CREATE CATALOG c WITH ('default-database' = 'x');
