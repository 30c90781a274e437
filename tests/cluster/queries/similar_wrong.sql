SELECT id, n SIMILAR TO '[' AS a FROM kinds
