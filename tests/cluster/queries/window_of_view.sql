-- A window over a view that renames.
CREATE VIEW renamed AS SELECT auction AS a, price * 2 AS p, ts AS t FROM bids WHERE price > 1;
SELECT window_start, SUM(p) AS s, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE renamed, DESCRIPTOR(t), INTERVAL '10' SECOND)) GROUP BY window_start, window_end
