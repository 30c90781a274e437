-- Floating point with everything else.
SELECT id, f + d AS a, f * i AS b, d / i AS c, f + de AS e, d - wide AS g, f / f AS h, d * 0 AS k FROM kinds
