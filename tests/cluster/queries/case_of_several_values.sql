SELECT bidder, CASE auction WHEN 1, 2 THEN 'low' WHEN 3 THEN 'three' ELSE 'other' END FROM bids
