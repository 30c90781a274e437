SELECT B.auction, B.price, B.bidder, B.dateTime, B.extra
FROM bid AS B
JOIN (
  SELECT MAX(price) AS maxprice, time_bucket(INTERVAL 10 SECOND, dateTime) + INTERVAL 10 SECOND AS ending
  FROM bid
  GROUP BY ending
) AS M
ON B.price = M.maxprice AND B.dateTime BETWEEN M.ending - INTERVAL 10 SECOND AND M.ending
