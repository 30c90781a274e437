CREATE TABLE t LIKE expensive;
