-- COLLECT gives a multiset.
SELECT auction, CARDINALITY(COLLECT(quantity)) AS a FROM bids GROUP BY auction
