-- UESCAPE needs U&.
SELECT 'a' UESCAPE '!' AS a FROM branches
