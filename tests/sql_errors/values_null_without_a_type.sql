INSERT INTO anything VALUES ('a', NULL);
