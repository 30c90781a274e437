SELECT '😀' AS a, 'é' AS b, '😀' || 'a' AS c, TYPEOF('😀') AS d, CHAR_LENGTH('😀') AS e, UPPER('😀') AS f
