-- Distinct rows joined.
SELECT a.bidder, b.auction FROM (SELECT DISTINCT bidder FROM bids) AS a JOIN (SELECT DISTINCT bidder, auction FROM offers) AS b ON a.bidder = b.bidder
