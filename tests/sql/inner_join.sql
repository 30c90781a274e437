-- An equi-join of two append-only streams, duplicates and NULL keys included.
CREATE TABLE orders (id INT, customer INT, total INT)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json');
CREATE TABLE payments (order_id INT, amount INT)
WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = 'json');

CREATE TABLE paid (id INT, customer INT, amount INT)
WITH ('connector' = 'kafka', 'topic' = 'paid', 'format' = 'json');

INSERT INTO paid
SELECT o.id, o.customer, p.amount FROM orders AS o JOIN payments AS p ON o.id = p.order_id AND p.amount <= o.total;
