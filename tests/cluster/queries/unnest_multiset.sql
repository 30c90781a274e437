SELECT auction, e, COUNT(*) AS n FROM (SELECT auction, COLLECT(bidder) AS s FROM bids GROUP BY auction), UNNEST(s) AS x(e) GROUP BY auction, e
