-- differs: Flink leaves out the rows that nothing corresponds to
-- plan differs: Flink joins the rows with the counts, which are of the rows that something corresponds to
-- changelog differs: the count comes by a left join, which takes rows back
SELECT a.id, l.n FROM auctions AS a, LATERAL (SELECT COUNT(*) AS n FROM bids WHERE bids.auction = a.id) AS l
