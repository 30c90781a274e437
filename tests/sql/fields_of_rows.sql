-- Fields of rows: some read, some not, one row also as a whole; through computed columns, a watermark and a window.
CREATE TABLE events (
  kind INT,
  bid ROW<auction BIGINT, price BIGINT, ts TIMESTAMP(3), place ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>>,
  person ROW<id BIGINT, name STRING, ts TIMESTAMP(3)>,
  unread ROW<a INT, b INT>,
  ts AS CASE WHEN kind = 0 THEN person.ts ELSE bid.ts END,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');
CREATE TABLE windows (
  window_start TIMESTAMP(3), bids BIGINT, highest BIGINT, city STRING
) WITH ('connector' = 'kafka', 'topic' = 'windows', 'format' = 'json');
CREATE TABLE whole (
  window_end TIMESTAMP(3), person ROW<id BIGINT, name STRING, ts TIMESTAMP(3)>, id BIGINT, lat DOUBLE
) WITH ('connector' = 'kafka', 'topic' = 'whole', 'format' = 'json');
CREATE TABLE places (
  geo ROW<lat DOUBLE, lon DOUBLE>, lat DOUBLE
) WITH ('connector' = 'kafka', 'topic' = 'places', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO windows
SELECT window_start, COUNT(*), MAX(events.bid.price), events.bid.place.city
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) AS events
WHERE kind = 1
GROUP BY window_start, window_end, events.bid.place.city;
INSERT INTO whole
SELECT window_end, person, events.person.id, events.bid.place.geo.lat
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) AS events
WHERE events.person.name <> 'Bob' OR events.person.name IS NULL;
INSERT INTO places SELECT events.bid.place.geo, events.bid.place.geo.lat FROM events WHERE events.bid.place.geo IS NOT NULL;
END;
