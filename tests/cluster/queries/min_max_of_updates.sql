-- Extremes that go.
SELECT owner, MIN(balance) AS a, MAX(balance) AS b, MIN(branch) AS c FROM accounts GROUP BY owner
