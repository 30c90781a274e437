-- A reserved word as a name.
SELECT id AS value FROM kinds
