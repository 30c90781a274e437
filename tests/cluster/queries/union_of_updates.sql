-- UNION of tables that change.
SELECT branch AS x FROM accounts UNION SELECT id FROM branches
