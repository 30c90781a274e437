-- Groups of nothing are none.
SELECT k, COUNT(*) FROM nothing GROUP BY k
