-- Each bid with what a file says of its auction: a lookup join, of a table declared by the keys of old.
CREATE TABLE side_input (key BIGINT, `value` STRING) WITH (
  'connector.type' = 'filesystem',
  'connector.path' = 'file://${NEXMARK_DIR}/side_input.txt',
  'format.type' = 'csv'
);

CREATE TABLE nexmark_q13 (
  auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), `value` STRING
) WITH ('connector' = 'blackhole');

INSERT INTO nexmark_q13
SELECT B.auction, B.bidder, B.price, B.`dateTime`, S.`value`
FROM (SELECT *, PROCTIME() AS p_time FROM bid) AS B
JOIN side_input FOR SYSTEM_TIME AS OF B.p_time AS S ON MOD(B.auction, 10000) = S.key;
