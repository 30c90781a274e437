-- JSON objects over rows that are replaced and deleted: NULLs by either clause, a key that goes to another group and back.
CREATE TABLE pairs (id INT, g STRING, k STRING, v INT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'pairs', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE objects (
  g STRING, o STRING, absent STRING, nested STRING, listed STRING, PRIMARY KEY (g) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'objects', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO objects
SELECT
  g, JSON_OBJECTAGG(KEY k VALUE v), JSON_OBJECTAGG(KEY k VALUE v ABSENT ON NULL),
  JSON_OBJECTAGG(KEY k VALUE JSON_OBJECT('n' VALUE v)), JSON_ARRAYAGG(v)
FROM pairs GROUP BY g;
