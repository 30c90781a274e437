-- changelog differs: the elements that a collection no longer has are deleted; Flink takes them back as updates
SELECT auction, e, COUNT(*) AS n FROM (SELECT auction, COLLECT(bidder) AS s FROM bids GROUP BY auction), UNNEST(s) AS x(e) GROUP BY auction, e
