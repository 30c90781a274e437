WITH winning AS (
  SELECT A.id, A.seller, B.price, B.dateTime
  FROM auction AS A JOIN bid AS B ON A.id = B.auction
  WHERE B.dateTime BETWEEN A.dateTime AND A.expires
  QUALIFY ROW_NUMBER() OVER (PARTITION BY A.id ORDER BY B.price DESC, B.dateTime, B.n) = 1
), recent AS (
  SELECT seller, price FROM winning
  QUALIFY ROW_NUMBER() OVER (PARTITION BY seller ORDER BY dateTime DESC, id DESC) <= 10
)
SELECT seller, CAST(SUM(price) // COUNT(*) AS BIGINT) FROM recent GROUP BY seller
