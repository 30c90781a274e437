-- A column that is NOT NULL on one side only.
SELECT n AS x FROM kinds UNION ALL SELECT s FROM kinds
