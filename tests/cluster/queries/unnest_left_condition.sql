-- A condition: rows of which no element passes come once, with NULL.
SELECT k.id, t.e FROM kinds AS k LEFT JOIN UNNEST(k.texts) AS t(e) ON t.e > 'a'
