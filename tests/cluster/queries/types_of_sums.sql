-- What SUM gives of each type.
SELECT SUM(ti) AS a, SUM(si) AS b, SUM(i) AS c, SUM(bi) AS d, SUM(de) AS e, SUM(whole) AS f1, SUM(wide) AS g, COUNT(*) AS h FROM kinds WHERE id < 3
