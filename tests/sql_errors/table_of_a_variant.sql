CREATE TABLE v (a VARIANT) WITH ('connector' = 'datagen');
