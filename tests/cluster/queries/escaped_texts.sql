-- E'…': C's escapes, and those that are none.
SELECT E'a\tb\\n\n' AS a, e'\x41\102\u00e9\xZ\8' AS b, E'it''s \'so\'''\\\' \q' AS c, E'\7\08' AS d FROM kinds
