-- In which order the entries of a map stand makes no other map of it: in groups, in rows that are taken back, and for =.
CREATE TABLE shops (id INT, stock MAP<STRING, INT>)
WITH ('connector' = 'kafka', 'topic' = 'shops', 'format' = 'debezium-json');
CREATE TABLE alike (stock MAP<STRING, INT>, shops BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'alike', 'format' = 'debezium-json');
CREATE TABLE pairs (x INT, y INT) WITH ('connector' = 'kafka', 'topic' = 'pairs', 'format' = 'debezium-json');
CREATE TABLE compared (id INT, same BOOLEAN, other BOOLEAN)
WITH ('connector' = 'kafka', 'topic' = 'compared', 'format' = 'debezium-json');
BEGIN STATEMENT SET;
INSERT INTO alike SELECT stock, COUNT(*) FROM shops GROUP BY stock;
INSERT INTO pairs SELECT a.id, b.id FROM shops AS a JOIN shops AS b ON a.stock = b.stock AND a.id < b.id;
INSERT INTO compared
SELECT id, stock = MAP['tea', 3, 'jam', 1], stock IS DISTINCT FROM MAP['tea', 3, 'jam', 1] FROM shops;
END;
