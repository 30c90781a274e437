-- IN over tables that change.
SELECT id, owner FROM accounts WHERE branch IN (SELECT id FROM branches WHERE city IS NOT NULL)
