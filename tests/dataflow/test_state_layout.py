"""What snapshots hold is written down: who changes it raises the number by which older ones are refused."""

from __future__ import annotations

import re
from pathlib import Path

from riacho.dataflow.expressions import Settings
from riacho.dataflow.graph import Graph
from riacho.dataflow.operator import STATE_LAYOUT
from riacho.jobs.script import compile_job_script
from riacho.kernels import rank_layout, row_words

KNOWN = Path(__file__).with_name("state_layout.txt")

TABLES = """
CREATE TABLE t (k STRING, n INT, v BIGINT, d DOUBLE, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE u (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE s (k STRING, v BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 's', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE p (k STRING, v BIGINT) WITH ('connector' = 'print');
"""

QUERIES = (
    """SELECT k, SUM(v) + COUNT(*) + COUNT(DISTINCT n) + MAX(v) + CAST(AVG(d) + STDDEV_POP(v) AS BIGINT)
       + COUNT(DISTINCT v) FILTER (WHERE n > 1) + CAST(CARDINALITY(COLLECT(n)) AS BIGINT) + MAX(CHAR_LENGTH(k))
       FROM t GROUP BY k""",
    """SELECT k, MAX(v) + SUM(v) + FIRST_VALUE(v) + LAST_VALUE(v) + CAST(AVG(v) + VAR_POP(v) AS BIGINT)
       + CHAR_LENGTH(LISTAGG(k)) + CARDINALITY(ARRAY_AGG(v)) FROM u GROUP BY k""",
    "SELECT l.k, r.v FROM t AS l LEFT JOIN u AS r ON l.k = r.k",
    "SELECT k, v FROM t WHERE v NOT IN (SELECT v FROM u)",
    "SELECT a.k, b.v FROM t AS a JOIN t AS b ON a.k = b.k JOIN u AS c ON b.v = c.v",
    "SELECT l.k, r.v FROM t AS l JOIN t AS r ON l.k = r.k AND l.ts BETWEEN r.ts AND r.ts + INTERVAL '1' MINUTE",
    "SELECT l.k, r.v FROM t AS l LEFT JOIN u FOR SYSTEM_TIME AS OF l.ts AS r ON l.k = r.k",
    "SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM t) WHERE rn <= 3",
    "SELECT k, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY v ORDER BY k) AS rn FROM u) WHERE rn <= 2",
    "SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS rn FROM t) WHERE rn = 1",
    "SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) AS rn FROM t) WHERE rn = 1",
    "SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY pt) AS rn FROM t) WHERE rn = 1",
    "SELECT k, SUM(v) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM t",
    """SELECT k, MAX(v) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)
       FROM t""",
    "SELECT k, LAG(v) OVER (PARTITION BY k ORDER BY ts) FROM t",
    "SELECT k, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY k, window_start, window_end",
    """SELECT k, MAX(v) FROM HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '2' MINUTES)
       GROUP BY k, window_start, window_end""",
    """SELECT k, COUNT(*) FROM SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' MINUTE)
       GROUP BY k, window_start, window_end""",
    "SELECT k, v FROM SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' MINUTE)",
    "SELECT k, COUNT(*) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' MINUTE)",
    """SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v) AS rn
       FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) WHERE rn <= 2""",
    """SELECT l.k, r.v FROM (SELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) AS l
       JOIN (SELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) AS r
       ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end""",
    "SELECT k, v FROM u INTERSECT SELECT k, v FROM t",
    "SELECT k, v FROM t EXCEPT ALL SELECT k, v FROM t",
    "SELECT k, CAST(RAND() * v AS BIGINT) FROM u",
)

INTO_KEYED = "INSERT INTO s SELECT l.k, r.v FROM t AS l JOIN u AS r ON l.v = r.v"
"""Rows are upserted by another key than they have: they are materialized first."""


def stored() -> set[str]:
    """A line for each array that each kind of operator stores, and for each number that gives their words a meaning."""
    lines = {f"layout {STATE_LAYOUT}"}
    inserts = [*(f"INSERT INTO p {query}" for query in QUERIES), INTO_KEYED]
    for insert in inserts:
        (job,) = compile_job_script(f"{TABLES} {insert};", None, {}).jobs
        graph = Graph.build(job, Settings())
        operators = {each.id: type(each.relation).__name__ for each in graph.metrics()}
        for name, array in graph.snapshot().items():
            step, _, part = name.partition(".")
            if part.startswith("state.") or part == "watermark":
                numbered = re.sub(r"\d+", "N", part.removeprefix("state."))
                lines.add(f"{operators[step]}: {numbered} {array.dtype} {'x'.join(map(str, ('n', *array.shape[1:])))}")
    for room in (rank_layout, row_words):
        numbers = {name: value for name, value in vars(room).items() if name.isupper() and isinstance(value, int)}
        lines |= {f"{room.__name__.rpartition('.')[2]}: {name} = {value}" for name, value in numbers.items()}
    return lines


def test_whoever_changes_what_is_stored_raises_the_number_of_its_layout() -> None:
    now = "".join(f"{line}\n" for line in sorted(stored()))

    assert now == KNOWN.read_text(), (
        "what snapshots hold has changed: where an older one would be misread, raise STATE_LAYOUT, "
        f"and write {KNOWN.name} anew: python tests/dataflow/test_state_layout.py"
    )


if __name__ == "__main__":
    KNOWN.write_text("".join(f"{line}\n" for line in sorted(stored())))
