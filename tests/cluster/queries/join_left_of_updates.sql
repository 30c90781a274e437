-- LEFT JOIN of two tables that change.
SELECT a.id, a.owner, b.city FROM accounts AS a LEFT JOIN branches AS b ON a.branch = b.id
