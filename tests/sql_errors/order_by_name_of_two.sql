EXPLAIN SELECT auction AS x, price AS x FROM bids ORDER BY x LIMIT 3;
