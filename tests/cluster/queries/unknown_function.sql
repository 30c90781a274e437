-- A function that does not exist.
SELECT FROBNICATE(i) FROM kinds
