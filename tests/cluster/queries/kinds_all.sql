-- Every type as it is read.
SELECT * FROM kinds
