-- A computed pattern that is empty matches the empty text.
SELECT id, n LIKE SUBSTRING(n, 100) AS a, v LIKE n AS b FROM kinds
