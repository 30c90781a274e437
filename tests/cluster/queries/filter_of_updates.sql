-- A filter that rows enter and leave.
SELECT id, balance FROM accounts WHERE balance > 60
