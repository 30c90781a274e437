SELECT price, price0, bidder0 FROM (SELECT * FROM bids AS a JOIN offers AS b ON a.auction = b.auction)
