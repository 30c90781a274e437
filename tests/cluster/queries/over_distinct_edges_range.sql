-- The first and the last of different values in a frame of time: a value that has not left it keeps its place.
SELECT auction, bidder, ts, LAST_VALUE(DISTINCT bidder) OVER w AS latest, FIRST_VALUE(DISTINCT bidder) OVER w AS earliest FROM bids WHERE bidder IS DISTINCT FROM 'late' WINDOW w AS (PARTITION BY auction ORDER BY ts RANGE BETWEEN INTERVAL '4' SECOND PRECEDING AND CURRENT ROW)
