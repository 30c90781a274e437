"""Group by ten million keys, each of which comes twice, and say whether all were counted, how fast and in what memory.

Usage: python tools/many_keys.py [KEYS]
"""

from __future__ import annotations

import resource
import sys
import time

from riacho.bench.sql import run_job

KEYS = 10_000_000

SCRIPT = """
CREATE TABLE numbers (n BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '1000000000',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '${ROWS}'
);
CREATE TABLE times_seen (times BIGINT, keys BIGINT) WITH ('connector' = 'print');
INSERT INTO times_seen
SELECT times, COUNT(*)
FROM (SELECT MOD(n, ${KEYS}) AS k, COUNT(*) AS times FROM numbers GROUP BY MOD(n, ${KEYS}))
GROUP BY times;
"""


def main() -> None:
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else KEYS
    print(f"the last rows must be -U/-D of 1 and +U[2, {keys}]")
    began = time.perf_counter()
    rows = run_job(SCRIPT, {"ROWS": str(2 * keys), "KEYS": str(keys), "KAFKA": "127.0.0.1:9092"})
    took_s = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"{rows:,} rows, {keys:,} keys: {rows / took_s:,.0f} rows/s, {peak_mb:,.0f} MB")


if __name__ == "__main__":
    main()
