CREATE TABLE maps (m MAP<STRING, INT>) WITH ('connector' = 'print'); INSERT INTO maps SELECT COLLECT(channel) FROM bids;
