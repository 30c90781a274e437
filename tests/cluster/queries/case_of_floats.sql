-- The result of CASE and IF of FLOAT and DOUBLE.
SELECT id, CASE WHEN b THEN f ELSE d END AS x, CASE WHEN b THEN d ELSE f END AS y, IF(b, f, d) AS z, COALESCE(f, d) AS w, IF(b, i, bi) AS v1, IF(b, 1, 2.5) AS u FROM kinds WHERE id <> 3
