INSERT INTO anything VALUES ('a', 1), ('b');
