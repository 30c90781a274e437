-- Upper, lower and title case beyond ASCII.
SELECT id, UPPER(s) AS a, LOWER(s) AS b1, INITCAP(s) AS c1, REVERSE(s) AS d1, CHAR_LENGTH(s) AS e, ASCII(s) AS f1, CHR(id + 64) AS g FROM kinds WHERE id <> 4
