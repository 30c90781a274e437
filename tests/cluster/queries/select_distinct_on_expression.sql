-- DISTINCT of an expression.
SELECT DISTINCT price > 5 AS dear, paid FROM bids
