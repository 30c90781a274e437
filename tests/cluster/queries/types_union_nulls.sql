-- NULL in one branch of a union.
SELECT id, CAST(NULL AS INT) AS x, n AS y FROM kinds UNION ALL SELECT id, i, s FROM kinds
