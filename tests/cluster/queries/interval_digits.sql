SELECT auction, ts + INTERVAL '365' DAY AS t FROM bids
