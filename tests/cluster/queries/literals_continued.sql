-- Texts that go on in the next line, and the database.
SELECT id, 'one '
  'two' AS t, U&'\0061'
  'b' AS u, CURRENT_DATABASE() AS d FROM kinds
