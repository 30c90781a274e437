SHOW PROCEDURES FROM default_database LIKE 'c%';
