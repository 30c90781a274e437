-- A row per element.
SELECT k.id, t.e FROM kinds AS k CROSS JOIN UNNEST(k.a) AS t(e)
