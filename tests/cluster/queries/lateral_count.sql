-- differs: Flink leaves out the rows that nothing corresponds to
SELECT a.id, l.n FROM auctions AS a, LATERAL (SELECT COUNT(*) AS n FROM bids WHERE bids.auction = a.id) AS l
