-- CROSS JOIN.
SELECT r.currency, a.id FROM rates AS r CROSS JOIN auctions AS a
