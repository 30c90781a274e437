-- A column that is NOT NULL on both sides.
SELECT n AS x FROM kinds UNION ALL SELECT 'y' FROM bids
