-- AVG and SUM over updates.
SELECT owner, AVG(balance) AS mean, SUM(balance) AS total, MIN(balance) AS least, MAX(id) AS last_id FROM accounts GROUP BY owner
