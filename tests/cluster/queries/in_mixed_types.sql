-- IN with types that have nothing in common.
SELECT id FROM kinds WHERE i IN ('a', 'b')
