-- A table that nobody made.
SELECT * FROM nowhere
