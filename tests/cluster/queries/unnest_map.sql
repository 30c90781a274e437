-- A row per entry of a map.
SELECT k.id, t.x, t.y FROM kinds AS k CROSS JOIN UNNEST(k.m) AS t(x, y)
