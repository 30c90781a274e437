-- An expression over rows that change.
SELECT id, balance * 2 AS twice, CASE WHEN balance > 50 THEN 'rich' ELSE 'poor' END AS kind FROM accounts
