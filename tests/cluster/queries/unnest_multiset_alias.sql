SELECT auction, e FROM (SELECT auction, COLLECT(quantity) AS s FROM bids GROUP BY auction) CROSS JOIN UNNEST(s) AS e
