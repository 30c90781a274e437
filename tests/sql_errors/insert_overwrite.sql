INSERT OVERWRITE anything SELECT channel, price FROM bids;
