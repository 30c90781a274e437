-- TYPEOF names every type.
SELECT TYPEOF(b) AS a1, TYPEOF(ti) AS b1, TYPEOF(de) AS c1, TYPEOF(v) AS d1, TYPEOF(c) AS e, TYPEOF(ts) AS f1, TYPEOF(ltz) AS g, TYPEOF(a) AS h, TYPEOF(m) AS i1, TYPEOF(r) AS k, TYPEOF(1.50) AS l, TYPEOF('x') AS m1, TYPEOF(n) AS n1, TYPEOF(bin) AS o FROM kinds WHERE id = 1
