-- Canal's events tell several rows each.
CREATE TABLE products (id INT, name STRING, weight DOUBLE, from_table STRING METADATA FROM 'value.table' VIRTUAL)
WITH ('connector' = 'kafka', 'topic' = 'products', 'format' = 'canal-json', 'canal-json.table.include' = 'products');
CREATE TABLE heavy (id INT, name STRING, from_table STRING) WITH ('connector' = 'print');
INSERT INTO heavy SELECT id, name, from_table FROM products WHERE weight > 1;
