EXPLAIN SELECT * FROM TABLE(words('to be'));
