-- USING.
SELECT * FROM (SELECT auction, bidder FROM bids) AS a JOIN (SELECT auction, price AS p FROM offers) AS b USING (auction)
