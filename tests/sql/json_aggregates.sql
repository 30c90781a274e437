-- JSON_OBJECTAGG and JSON_ARRAYAGG with their clauses about NULL; members in the order of their keys, objects in arrays.
CREATE TABLE pairs (g INT, k STRING, v STRING, n DECIMAL(5, 2))
WITH ('connector' = 'kafka', 'topic' = 'pairs', 'format' = 'json');

CREATE TABLE objects (
  g INT, o STRING, absent STRING, `numbers` STRING, a STRING, nulls STRING, nested STRING,
  PRIMARY KEY (g) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'objects', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO objects
SELECT
  g, JSON_OBJECTAGG(KEY k VALUE v), JSON_OBJECTAGG(k VALUE v ABSENT ON NULL), JSON_OBJECTAGG(k : n),
  JSON_ARRAYAGG(v), JSON_ARRAYAGG(v NULL ON NULL),
  JSON_ARRAYAGG(JSON_OBJECT('v' VALUE v, 'k' VALUE k))
FROM pairs GROUP BY g;
