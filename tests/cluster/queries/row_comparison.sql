-- Rows compared.
SELECT id, r = ROW(1, 'in', ROW(CAST(0.5 AS DOUBLE))) AS a FROM kinds
