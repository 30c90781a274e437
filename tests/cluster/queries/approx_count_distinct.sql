-- Flink's streams have no APPROX_COUNT_DISTINCT.
SELECT APPROX_COUNT_DISTINCT(bidder) AS a FROM bids
