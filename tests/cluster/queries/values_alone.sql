-- VALUES as a query.
VALUES (1, 'a'), (2, 'bb'), (CAST(NULL AS INT), 'c')
