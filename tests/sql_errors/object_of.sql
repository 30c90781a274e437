EXPLAIN SELECT OBJECT_OF('com.example.User', 'name', 'Ada');
