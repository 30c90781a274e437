-- A query of WITH that is read twice, in another of WITH.
WITH sums AS (SELECT auction, SUM(price) AS total FROM bids GROUP BY auction), pairs AS (SELECT x.auction, x.total, y.total AS other FROM sums AS x JOIN sums AS y ON x.auction = y.auction) SELECT auction, total + other AS twice FROM pairs WHERE total > 5
