-- A row also where there is no element.
SELECT k.id, t.e FROM kinds AS k LEFT JOIN UNNEST(k.texts) AS t(e) ON TRUE
