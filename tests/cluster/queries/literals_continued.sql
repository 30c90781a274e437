-- Literals that go on in the next line, and the database.
SELECT id, 'one '
  'two' AS t, x'01'
  '02' AS b, CURRENT_DATABASE() AS d FROM kinds
