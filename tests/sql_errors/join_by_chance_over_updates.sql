CREATE TABLE shown (name STRING, price BIGINT) WITH ('connector' = 'print');
CREATE TABLE users (id BIGINT, name STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka');
INSERT INTO shown SELECT u.name, b.price FROM users AS u JOIN bids AS b ON u.id = b.bidder AND b.price > RAND() * u.id;
