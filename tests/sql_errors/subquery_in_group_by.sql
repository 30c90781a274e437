INSERT INTO anything SELECT 'a', COUNT(*) FROM bids GROUP BY (SELECT MAX(id) FROM people);
