-- UNION ALL of tables that change.
SELECT id AS x FROM accounts UNION ALL SELECT city FROM branches
