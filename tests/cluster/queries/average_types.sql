-- The types of AVG and SUM over every numeric type.
SELECT b, AVG(ti) AS a1, AVG(si) AS a2, AVG(i) AS a3, AVG(bi) AS a4, AVG(f) AS a5, AVG(d) AS a6, AVG(de) AS a7, AVG(wide) AS a8, SUM(ti) AS s1, SUM(si) AS s2, SUM(i) AS s3, SUM(bi) AS s4, SUM(f) AS s5, SUM(de) AS s7, SUM(whole) AS s8 FROM kinds WHERE id < 3 GROUP BY b
