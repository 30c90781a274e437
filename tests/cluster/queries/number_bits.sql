-- Binary and hexadecimal texts of numbers.
SELECT id, BIN(i) AS a, HEX(i) AS b1, HEX(n) AS c1, BIN(bi) AS d1, HEX(bi) AS e FROM kinds
