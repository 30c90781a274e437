-- changelog differs: the elements that a collection no longer has are deleted; Flink takes them back as updates
SELECT auction, COUNT(e) AS c, SUM(o) AS s FROM (SELECT auction, COLLECT(quantity) AS s FROM bids GROUP BY auction) CROSS JOIN UNNEST(s) WITH ORDINALITY AS x(e, o) GROUP BY auction
