-- differs: `riacho sql` ends its input, and sorts it then; a stream of Flink sorts by time alone.
SELECT auction, price FROM bids ORDER BY price
