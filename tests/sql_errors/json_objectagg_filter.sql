EXPLAIN SELECT bidder, JSON_OBJECTAGG(KEY channel VALUE price) FILTER (WHERE price > 1) FROM bids GROUP BY bidder;
