-- Two columns of one name.
SELECT auction, auction FROM bids
