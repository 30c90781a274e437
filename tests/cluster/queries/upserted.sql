-- A table with a key: its rows after all updates.
-- changelog differs: a row of an upserted table that comes first is told as one that is added.
SELECT * FROM accounts
