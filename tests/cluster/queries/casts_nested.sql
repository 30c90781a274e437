-- Casts of arrays, maps and rows.
SELECT id, CAST(a AS ARRAY<BIGINT>) AS x, CAST(a AS ARRAY<STRING>) AS y, CAST(m AS MAP<STRING, BIGINT>) AS z, CAST(r AS ROW<q BIGINT, w STRING, e ROW<deep FLOAT>>) AS w FROM kinds WHERE id <> 1
