-- Functions of maps.
SELECT id, CARDINALITY(MAP_KEYS(m)) AS a1, MAP_VALUES(MAP['a', 1]) AS b1, MAP_ENTRIES(MAP['a', 1]) AS c1, MAP_FROM_ARRAYS(ARRAY['x', 'y'], ARRAY[1, 2]) AS d1, MAP_UNION(MAP['a', 1], MAP['b', 2]) AS e FROM kinds
