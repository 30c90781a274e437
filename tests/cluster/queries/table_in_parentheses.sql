SELECT currency FROM rates WHERE rate IN (SELECT rate FROM (TABLE rates) AS r WHERE r.rate < 1) UNION ALL SELECT currency FROM (TABLE orders)
