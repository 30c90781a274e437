-- A cast that does not exist.
SELECT CAST(a AS INT) FROM kinds
