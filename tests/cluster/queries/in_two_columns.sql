-- IN of two columns.
SELECT auction, bidder, price FROM bids WHERE (auction, bidder) IN (SELECT auction, bidder FROM offers)
