-- Times as texts by a pattern, and back.
SELECT id, DATE_FORMAT(ts, 'yyyy/MM/dd HH:mm:ss.SSS') AS a, TO_DATE('2024-02-30') AS b1, TO_TIMESTAMP('2024-02-29 12:00:00') AS c1, TO_TIMESTAMP('29.02.2024', 'dd.MM.yyyy') AS d1, TO_TIMESTAMP('no') AS e, TO_TIMESTAMP_LTZ(1000, 3) AS f1, TO_TIMESTAMP_LTZ(1, 0) AS g FROM kinds WHERE id IN (1, 2)
