CREATE TABLE t (x STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
SELECT x, 'd!00e9j!00e0' UESCAPE '!' AS already FROM t;
