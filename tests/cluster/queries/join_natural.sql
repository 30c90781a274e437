-- NATURAL JOIN.
SELECT * FROM (SELECT auction, bidder FROM bids) AS a NATURAL JOIN (SELECT auction, quantity FROM offers) AS b
