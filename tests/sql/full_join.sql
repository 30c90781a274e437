-- RIGHT and FULL joins of changelogs: rows of either side are padded while they have no partner.
CREATE TABLE l (id INT, k INT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'l', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE r (id INT, k INT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'r', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE fully (k INT, l INT, r INT, PRIMARY KEY (k, l, r) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'fully', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE rightly (k INT, l INT, r INT, PRIMARY KEY (r) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'rightly', 'key.format' = 'json', 'value.format' = 'json');

BEGIN STATEMENT SET;
INSERT INTO fully SELECT COALESCE(k, 0), COALESCE(l.id, 0), COALESCE(r.id, 0) FROM l FULL JOIN r USING (k);
INSERT INTO rightly SELECT k, id, rid FROM l NATURAL RIGHT JOIN (SELECT k, id AS rid FROM r) AS n;
END;
