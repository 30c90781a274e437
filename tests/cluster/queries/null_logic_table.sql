-- Three-valued logic.
SELECT id, b AND CAST(NULL AS BOOLEAN) AS a, b OR CAST(NULL AS BOOLEAN) AS c, NOT b AS d, b IS TRUE AS e, b IS NOT FALSE AS f, b IS UNKNOWN AS g, (i > 0) AND b AS h, (i > 0) OR b AS k FROM kinds
