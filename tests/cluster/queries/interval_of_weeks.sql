-- differs: Flink takes a week for an hour and a quarter for a month
SELECT id, ts + INTERVAL '1' WEEK AS w, ts + INTERVAL '1' QUARTER AS q FROM kinds WHERE id <> 3
