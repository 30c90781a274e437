SELECT auction AS x, bidder AS x FROM bids ORDER BY x LIMIT 3
