-- Four digits must follow.
SELECT U&'\00e' AS a FROM branches
