SELECT * FROM (SELECT auction AS x, bidder AS x FROM bids)
