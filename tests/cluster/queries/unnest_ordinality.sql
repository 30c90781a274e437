-- With the element's place.
SELECT k.id, t.e, t.o FROM kinds AS k CROSS JOIN UNNEST(k.texts) WITH ORDINALITY AS t(e, o)
