INSERT INTO anything SELECT channel, COUNT(DISTINCT auction, bidder) FROM bids GROUP BY channel;
