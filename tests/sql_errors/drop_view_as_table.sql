DROP TABLE expensive;
