CREATE FUNCTION tax AS 'com.example.Tax';
