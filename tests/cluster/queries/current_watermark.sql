-- The watermark that stood before each row.
SELECT bidder, ts, CURRENT_WATERMARK(ts) < ts AS in_time FROM bids WHERE CURRENT_WATERMARK(ts) IS NULL OR CURRENT_WATERMARK(ts) < ts
