-- A table with a key: its rows after all updates.
SELECT * FROM accounts
