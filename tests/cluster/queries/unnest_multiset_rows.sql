SELECT auction, p, q FROM (SELECT auction, COLLECT(ROW(quantity, bidder)) AS s FROM bids GROUP BY auction) CROSS JOIN UNNEST(s) AS x(p, q)
