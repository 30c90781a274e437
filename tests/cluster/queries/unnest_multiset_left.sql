-- changelog differs: the elements that a collection no longer has are deleted; Flink takes them back as updates
SELECT auction, e FROM (SELECT auction, COLLECT(quantity) FILTER (WHERE paid) AS s FROM bids GROUP BY auction) LEFT JOIN UNNEST(s) AS x(e) ON TRUE
