-- MIN of BOOLEAN.
SELECT MIN(b) AS x, MAX(b) AS y FROM kinds
