-- UNION ALL widens types.
SELECT ti AS x, n FROM kinds UNION ALL SELECT bi, s FROM kinds
