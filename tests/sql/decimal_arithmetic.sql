-- Results have Flink's precision and scale.
CREATE TABLE prices (id INT, a DECIMAL(10, 2), b DECIMAL(10, 3))
WITH ('connector' = 'kafka', 'topic' = 'prices', 'format' = 'json');

CREATE TABLE results (
  id INT, added DECIMAL(12, 3), multiplied DECIMAL(20, 5), divided DECIMAL(24, 13), rounded DECIMAL(10, 1)
) WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json', 'json.encode.decimal-as-plain-number' = 'true');

INSERT INTO results SELECT id, a + b, a * b, a / b, ROUND(a, 1) FROM prices;
