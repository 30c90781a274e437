-- An array of numbers and texts.
SELECT ARRAY[1, 'a'] AS x FROM kinds
