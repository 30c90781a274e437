INSERT INTO anything
SELECT channel, price FROM bids WHERE CURRENT_WATERMARK(bidder) IS NULL;
