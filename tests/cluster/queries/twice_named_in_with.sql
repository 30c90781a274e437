WITH p AS (SELECT auction AS x, bidder AS x FROM bids) SELECT COUNT(*) FROM p
