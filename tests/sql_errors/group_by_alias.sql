INSERT INTO anything
SELECT UPPER(channel) AS name, COUNT(*) FROM bids GROUP BY name;
