-- Keys that are not there.
SELECT id, m['k'] AS x, m['none'] AS y, MAP_KEYS(m) AS z, MAP_VALUES(m) AS u, CARDINALITY(m) AS c1, MAP_ENTRIES(m) AS w FROM kinds WHERE id <> 1
