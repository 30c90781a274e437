-- Regular expressions with groups that are not there.
SELECT id, REGEXP_EXTRACT(n, '(n)(x)?', 2) AS a, REGEXP_EXTRACT(n, 'n', 0) AS b, REGEXP_EXTRACT(n, '(n)', 5) AS c, REGEXP_REPLACE(v, '[aeiou]', '*') AS d, REGEXP(n, '^o') AS e, n SIMILAR TO '(one|42)' AS f1 FROM kinds
