EXPLAIN SELECT x'01' /* and */ '02';
