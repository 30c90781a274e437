-- Lengths of texts that functions give.
SELECT id, UPPER(v) AS a, TRIM(v) AS b1, LEFT(v, 2) AS c1, SUBSTRING(c FROM 2) AS d1, OVERLAY(v PLACING 'x' FROM 2) AS e, REVERSE(n) AS f1, ELT(1, v, c) AS h, MD5(n) AS i1, SHA2(n, 256) AS k, CONCAT_WS('-', n, v) AS l, IFNULL(n, 'x') AS m1, LOWER(c) AS o, RIGHT(n, 2) AS p, ENCODE(n, 'UTF-8') AS q, INITCAP(v) AS r1 FROM kinds
