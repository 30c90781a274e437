-- CHAR and its blanks.
SELECT id, c = '12345' AS a, c = v AS b, c > 'a' AS d, CHAR_LENGTH(c) AS e, c || '!' AS f, CAST(c AS STRING) AS g, CAST('ab' AS CHAR(4)) = 'ab' AS h FROM kinds
