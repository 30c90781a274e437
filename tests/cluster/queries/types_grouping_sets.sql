-- GROUPING_ID and keys that become NULL.
SELECT category, seller, GROUPING(category) AS a, GROUPING_ID(category, seller) AS b, GROUP_ID() AS c, COUNT(*) AS n, SUM(reserve) AS d FROM auctions GROUP BY GROUPING SETS ((category, seller), (seller), ())
