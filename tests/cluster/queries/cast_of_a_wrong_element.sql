SELECT id, CAST(texts AS ARRAY<INT>) AS x FROM kinds
