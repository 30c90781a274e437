-- differs: an extension of Riacho; streams of Flink have no APPROX_COUNT_DISTINCT.
SELECT APPROX_COUNT_DISTINCT(bidder) AS a FROM bids
