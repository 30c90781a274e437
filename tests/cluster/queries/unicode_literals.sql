-- Texts with escaped characters.
SELECT id, U&'caf\00e9 it''s' AS a, u&'\\ \263a' AS b FROM kinds WHERE id = 1
