-- RIGHT JOIN of two tables that change.
SELECT a.id, b.id AS bid, b.city FROM accounts AS a RIGHT JOIN branches AS b ON a.branch = b.id
