-- Too many digits are NULL.
SELECT id, CAST(wide AS DECIMAL(20, 2)) AS a, CAST(de AS DECIMAL(3, 2)) AS b1, wide + wide AS c1, CAST(bi AS DECIMAL(10, 0)) AS d1 FROM kinds
