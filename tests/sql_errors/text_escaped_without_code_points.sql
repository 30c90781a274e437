INSERT INTO anything SELECT 'caf!00e9' UESCAPE '!' FROM bids;
