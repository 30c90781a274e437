-- A number is no condition.
SELECT id FROM kinds WHERE i
