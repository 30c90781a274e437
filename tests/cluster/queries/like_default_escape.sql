SELECT id, v LIKE 'wo\_ld' AS a, n || '_b' LIKE '%\_b' AS b, n || '%' LIKE n || '\%' AS c, n LIKE 'o\ne' AS d, n || '\x' LIKE '%\x' AS e, n LIKE n || '\_' AS f FROM kinds
