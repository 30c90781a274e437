-- `r.*`: the fields of a row as columns, beside those of the table, of a row in a row and of a row that is NULL.
CREATE TABLE events (
  kind INT, bid ROW<auction BIGINT, price BIGINT, place ROW<city STRING, zip INT>>
) WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');
CREATE TABLE bids (auction BIGINT, price BIGINT, place ROW<city STRING, zip INT>, kind INT) WITH ('connector' = 'print');
CREATE TABLE places (city STRING, zip INT, auction BIGINT) WITH ('connector' = 'print');
EXECUTE STATEMENT SET BEGIN
INSERT INTO bids SELECT e.bid.*, kind FROM events AS e;
INSERT INTO places SELECT bid.place.*, e.bid.auction FROM events AS e WHERE kind = 1;
END;
