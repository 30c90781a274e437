-- A function of the wrong type.
SELECT UPPER(i) FROM kinds
