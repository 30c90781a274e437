-- FULL JOIN of two tables that change.
SELECT a.id, a.owner, b.id AS branch, b.city FROM accounts AS a FULL JOIN branches AS b ON a.branch = b.id
