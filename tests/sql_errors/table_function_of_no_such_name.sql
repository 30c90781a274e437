EXPLAIN SELECT * FROM TABLE(wrods('to be'));
