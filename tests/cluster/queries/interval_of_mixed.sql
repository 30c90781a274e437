-- An interval lies between moments of one type.
SELECT (ts - DATE '2024-01-01') HOUR AS d FROM bids
