SELECT q.paid, COUNT(*) AS n FROM (SELECT auction AS x, bidder AS x, paid FROM bids) AS q GROUP BY q.paid
