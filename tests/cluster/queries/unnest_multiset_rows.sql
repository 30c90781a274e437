-- changelog differs: the elements that a collection no longer has are deleted; Flink takes them back as updates
SELECT auction, p, q FROM (SELECT auction, COLLECT(ROW(quantity, bidder)) AS s FROM bids GROUP BY auction) CROSS JOIN UNNEST(s) AS x(p, q)
