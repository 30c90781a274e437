-- INTERSECT of tables that change.
SELECT branch AS x FROM accounts INTERSECT SELECT id FROM branches
