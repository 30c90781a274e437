-- A literal that goes on in its own line.
SELECT id, 'one ' 'two' AS t FROM kinds
