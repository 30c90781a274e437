CREATE TABLE t (a INT UNIQUE) WITH ('connector' = 'datagen');
