-- A timestamp compared with a text.
SELECT id FROM kinds WHERE ts > '2024-01-01 00:00:00'
