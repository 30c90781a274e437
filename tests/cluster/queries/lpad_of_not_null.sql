-- differs: LPAD is NULL for a negative length, and its type says so.
SELECT LPAD(n, 4, 'x') AS x FROM kinds
