-- Keys of different decimals.
SELECT x.id, y.id AS other FROM kinds AS x JOIN kinds AS y ON x.whole = y.wide OR x.whole = y.i
