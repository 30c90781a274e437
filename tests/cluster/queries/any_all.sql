-- ANY and ALL.
SELECT id FROM auctions AS a WHERE a.reserve <= ALL (SELECT o.price FROM offers AS o WHERE o.auction = a.id AND o.price IS NOT NULL)
