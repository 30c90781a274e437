-- differs: Flink aggregates in two phases, the first of which forgets the offset: its first windows come late and are lost.
SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND, INTERVAL '3' SECOND)) GROUP BY window_start, window_end
