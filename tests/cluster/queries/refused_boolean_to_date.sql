-- A cast that does not exist between scalars.
SELECT CAST(b AS DATE) FROM kinds
