-- Average price of a category: the mean over the final price of its auctions.
CREATE TABLE auction (id BIGINT, category BIGINT, opened TIMESTAMP(3), expires TIMESTAMP(3))
WITH ('connector' = 'kafka', 'topic' = 'auction', 'format' = 'json');
CREATE TABLE bid (auction BIGINT, price BIGINT, ts TIMESTAMP(3))
WITH ('connector' = 'kafka', 'topic' = 'bid', 'format' = 'json');
CREATE TABLE q4 (id BIGINT, final BIGINT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'q4', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO q4
SELECT Q.category, AVG(Q.final)
FROM (
  SELECT MAX(B.price) AS final, A.category
  FROM auction AS A, bid AS B
  WHERE A.id = B.auction AND B.ts BETWEEN A.opened AND A.expires
  GROUP BY A.id, A.category
) AS Q
GROUP BY Q.category;
