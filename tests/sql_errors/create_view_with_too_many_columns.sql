CREATE VIEW v (a, b) AS SELECT channel FROM bids;
