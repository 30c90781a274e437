-- In groups what is NOT NULL stays so.
SELECT id, MIN(n) AS a, MAX(n) AS b, FIRST_VALUE(n) AS c, LAST_VALUE(s) AS d, COUNT(s) AS e, SUM(id) AS f1, AVG(id) AS g FROM kinds GROUP BY id
