-- An interval lies between moments alone.
SELECT (quantity - 1) DAY AS d FROM bids
