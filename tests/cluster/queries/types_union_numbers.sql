-- A union finds the common type.
SELECT ti AS x, de AS y, v AS z FROM kinds UNION ALL SELECT bi, wide, s FROM kinds
