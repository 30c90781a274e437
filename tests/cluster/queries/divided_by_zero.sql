-- A job that fails on a row.
SELECT 10 / quantity FROM bids
