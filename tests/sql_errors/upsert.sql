UPSERT INTO anything SELECT channel, price FROM bids;
