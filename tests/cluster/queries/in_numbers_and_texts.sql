-- IN converts its list to the first operand's type, BETWEEN texts to numbers; `=` does neither.
SELECT id, i IN ('1', '7', '70000') AS a, bi NOT IN ('3') AS b1, n IN (1, 2) AS c1, b IN ('true') AS d1, i BETWEEN '1' AND '70000' AS e, i NOT BETWEEN '2' AND 9 AS f1 FROM kinds
