-- EXISTS beside OR.
-- plan differs: a subquery in a condition with OR is a mark join; Flink joins with a total.
SELECT id FROM auctions AS a WHERE a.category = 'art' OR EXISTS (SELECT 1 FROM bids AS b WHERE b.auction = a.id AND b.price < 1)
