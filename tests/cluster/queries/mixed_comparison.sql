-- Comparisons of different numeric types and texts.
SELECT id, ti < bi AS a, de > f AS b, i = de AS c, v <> s AS d, c = 'ab' AS e, c = 'ab   ' AS f, n >= s AS g, b = TRUE AS h FROM kinds
