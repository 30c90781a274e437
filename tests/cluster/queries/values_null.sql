-- A NULL of VALUES needs a type.
VALUES (1, 'a'), (NULL, 'c')
