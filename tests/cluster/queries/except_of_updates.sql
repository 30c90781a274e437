-- EXCEPT over tables that change.
SELECT branch FROM accounts EXCEPT SELECT id FROM branches
