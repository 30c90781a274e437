-- What each seller's last ten auctions brought on average. The published text aggregates by an OVER window over
-- winning bids, which change, and no engine takes it; this is what its comment asks for.
CREATE TABLE nexmark_q6 (seller BIGINT, avg_price BIGINT) WITH ('connector' = 'blackhole');

INSERT INTO nexmark_q6
SELECT L.seller, AVG(L.price)
FROM (
  SELECT W.seller, W.price,
    ROW_NUMBER() OVER (PARTITION BY W.seller ORDER BY W.`dateTime` DESC, W.id DESC) AS recency
  FROM (
    SELECT A.id, A.seller, B.price, B.`dateTime`,
      ROW_NUMBER() OVER (PARTITION BY A.id ORDER BY B.price DESC, B.`dateTime` ASC) AS rownum
    FROM auction AS A, bid AS B
    WHERE A.id = B.auction AND B.`dateTime` BETWEEN A.`dateTime` AND A.expires
  ) AS W
  WHERE W.rownum <= 1
) AS L
WHERE L.recency <= 10
GROUP BY L.seller;
