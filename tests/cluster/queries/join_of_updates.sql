-- Two tables that change, joined.
SELECT a.id, a.owner, b.city FROM accounts AS a JOIN branches AS b ON a.branch = b.id
