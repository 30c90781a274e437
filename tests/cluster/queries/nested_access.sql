-- Elements, keys and fields.
SELECT id, a[1] AS x, a[9] AS y, m['k'] AS z, m['none'] AS w, r.x AS v1, r.z.deep AS u, CARDINALITY(a) AS t, CARDINALITY(m) AS s1, r.y || '!' AS q FROM kinds
