-- No digit may escape.
SELECT U&'100e9' UESCAPE '1' AS a FROM branches
