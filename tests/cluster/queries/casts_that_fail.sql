-- A text that is no number fails the job.
SELECT CAST(n AS INT) FROM kinds
