-- Texts of code points.
SELECT U&'\00e9' AS a, U&'d!00e9j!00e0!!' UESCAPE '!' AS b, U&'\\' AS c, U&'a''b' AS d FROM branches
