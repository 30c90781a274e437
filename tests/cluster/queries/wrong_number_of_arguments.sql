-- Too many arguments.
SELECT UPPER(s, s) FROM kinds
