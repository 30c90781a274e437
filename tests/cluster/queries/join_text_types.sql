-- Keys of CHAR and VARCHAR.
SELECT x.id, y.id AS other FROM kinds AS x JOIN kinds AS y ON x.v = y.c
