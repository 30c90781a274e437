INSERT INTO anything SELECT U&'cafe00e9' UESCAPE 'e' FROM bids;
