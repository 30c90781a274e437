SELECT price FROM (SELECT a.price, b.price FROM bids AS a JOIN offers AS b ON a.auction = b.auction)
