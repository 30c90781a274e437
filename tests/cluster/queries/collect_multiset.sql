-- differs: CARDINALITY takes a MULTISET; that of Flink does not.
SELECT auction, CARDINALITY(COLLECT(quantity)) AS a FROM bids GROUP BY auction
