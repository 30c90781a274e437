-- SPLIT_INDEX and STR_TO_MAP at the edges.
SELECT id, SPLIT_INDEX(j, ',', 0) AS a, SPLIT_INDEX(j, ',', 9) AS b1, SPLIT_INDEX(j, ',', -1) AS c1, SPLIT_INDEX(n, '', 0) AS d1, SPLIT_INDEX(n, 'n', 1) AS e FROM kinds
