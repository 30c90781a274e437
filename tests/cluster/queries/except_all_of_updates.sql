-- EXCEPT ALL of tables that change.
SELECT branch AS x FROM accounts EXCEPT ALL SELECT id FROM branches
