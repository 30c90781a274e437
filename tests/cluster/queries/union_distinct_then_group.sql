-- A set operation below an aggregate.
SELECT bidder, COUNT(*) AS n FROM (SELECT bidder, auction FROM bids UNION SELECT bidder, auction FROM offers) AS u GROUP BY bidder HAVING COUNT(*) > 1
