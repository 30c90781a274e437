-- changelog differs: the elements that a collection no longer has are deleted; Flink takes them back as updates
SELECT auction, e FROM (SELECT auction, COLLECT(quantity) AS s FROM bids GROUP BY auction) CROSS JOIN UNNEST(s) AS e
