-- A reserved word in back quotes.
SELECT id AS `value` FROM kinds
