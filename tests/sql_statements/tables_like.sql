CREATE TABLE base (
  id BIGINT, name STRING, dear AS id * 2, part BIGINT METADATA FROM 'partition' VIRTUAL, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts, CONSTRAINT pk PRIMARY KEY (id) NOT ENFORCED
) COMMENT 'not inherited' WITH ('connector' = 'datagen', 'number-of-rows' = '3');
CREATE TABLE all_of_it LIKE base;
SHOW CREATE TABLE all_of_it;
CREATE TABLE other_options (more STRING) WITH ('number-of-rows' = '4') LIKE base (EXCLUDING GENERATED);
SHOW CREATE TABLE other_options;
CREATE TABLE bare (dear AS id * 3, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json')
LIKE base (EXCLUDING ALL OVERWRITING GENERATED);
SHOW CREATE TABLE bare;
