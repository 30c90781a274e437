"""Queries as text, made up of every form there is, each over any other: a grammar for Hypothesis.

Every query has the columns k STRING, j INT, v BIGINT, flag BOOLEAN, so that each can stand in each. `as_files` writes
one that failed as a test of `tests/sql`.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from changelogs import Event
from event_streams import Stream, cut
from hypothesis import strategies as st
from query_text import aggregates, conditions, counts, values

NAMES = ("id", "k", "j", "v", "flag")
ADDED, CHANGING = ("a", "b"), ("u", "w")
"""Tables whose rows are only added, and tables with a key, whose rows are replaced and deleted."""

COLUMNS = "id BIGINT, k STRING, j INT, v BIGINT, flag BOOLEAN"
DDL = "".join(
    f"CREATE TABLE {name} ({COLUMNS}) WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json');\n"
    for name in ADDED
) + "".join(
    f"CREATE TABLE {name} ({COLUMNS}, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', "
    f"'topic' = '{name}', 'key.format' = 'json', 'value.format' = 'json');\n"
    for name in CHANGING
)
SINK = "CREATE TABLE r (k STRING, j INT, v BIGINT, flag BOOLEAN) WITH ('connector' = 'print');\n"

EQUALITIES = ("l.k = r.k", "l.k = r.k AND l.j = r.j", "l.v = r.v AND l.flag", "l.k IS NOT DISTINCT FROM r.k")
JOINS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
ROWS = "k, j, v, flag"

Queries = st.SearchStrategy[str]


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Events of all tables."""
    events = []
    for number in range(draw(st.integers(1, 24) | st.integers(24, 40))):
        table = draw(st.sampled_from(ADDED + CHANGING))
        identity = draw(st.integers(0, 3)) if table in CHANGING else number
        deleted = table in CHANGING and draw(st.integers(0, 3)) == 0
        row = (None,) * 4 if deleted else draw(values)
        events.append(Event(table, (identity, *row), deleted=deleted))
    return cut(draw, events, most_cuts=6)


sources = st.sampled_from([f"SELECT {ROWS} FROM {name}" for name in ADDED + CHANGING])


@st.composite
def filtered(draw: st.DrawFn, below: Queries) -> str:
    return f"SELECT {ROWS} FROM ({draw(below)}) AS t WHERE {draw(conditions)}"


@st.composite
def projected(draw: st.DrawFn, below: Queries) -> str:
    value = draw(st.sampled_from(["v + j", "-v", "COALESCE(v, 2)", "CASE WHEN flag THEN v ELSE 1 END"]))
    return f"SELECT k, j + 1 AS j, {value} AS v, v > 0 AS flag FROM ({draw(below)}) AS t"


@st.composite
def distinct(draw: st.DrawFn, below: Queries) -> str:
    return f"SELECT DISTINCT {ROWS} FROM ({draw(below)}) AS t"


@st.composite
def united(draw: st.DrawFn, below: Queries) -> str:
    return f"{draw(below)} UNION{draw(st.sampled_from([' ALL', '']))} {draw(below)}"


@st.composite
def grouped(draw: st.DrawFn, below: Queries) -> str:
    columns = {
        "k": "MAX(k)",
        "j": f"CAST({draw(aggregates('j'))} AS INT)",
        "v": draw(aggregates() | counts),
        "flag": f"{draw(counts)} > 1",
    }
    keys = draw(st.sampled_from([["k"], ["k", "j"], ["flag"], []]))
    columns.update({key: key for key in keys})
    chosen = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    groups = f" GROUP BY {', '.join(keys)}" if keys else ""
    having = draw(st.sampled_from(["", "", " HAVING COUNT(*) > 1", " HAVING SUM(v) > 0 OR COUNT(DISTINCT j) = 1"]))
    if not keys:  # a global aggregate of nothing is a row in a batch and none in a stream
        having = f"{having} AND COUNT(*) > 0" if having else " HAVING COUNT(*) > 0"
    return f"SELECT {chosen} FROM ({draw(below)}) AS t{groups}{having}"


@st.composite
def joined(draw: st.DrawFn, below: Queries) -> str:
    kind, condition = draw(st.sampled_from(JOINS)), draw(st.sampled_from(EQUALITIES))
    condition += draw(st.sampled_from(["", "", " AND l.v <= r.v"]))
    return f"SELECT l.k, r.j, l.v, r.flag FROM ({draw(below)}) AS l {kind} ({draw(below)}) AS r ON {condition}"


@st.composite
def asking(draw: st.DrawFn, below: Queries) -> str:
    """A query with a subquery in its condition or its result."""
    inner = f"({draw(below)}) AS s"
    asked = draw(
        st.sampled_from(
            [
                "k {not_}IN (SELECT s.k FROM {inner})",
                "(k, j) {not_}IN (SELECT s.k, s.j FROM {inner} WHERE s.v > 0)",
                "{not_}EXISTS (SELECT 1 FROM {inner} WHERE s.k = t.k AND s.v > t.v)",
                "flag OR k {not_}IN (SELECT s.k FROM {inner} WHERE s.j = t.j)",
                "v > (SELECT MIN(s.v) FROM {inner} WHERE s.k = t.k)",
                "v >= (SELECT COUNT(*) FROM {inner} WHERE s.v < t.v)",
                "v <= ALL (SELECT s.v FROM {inner} WHERE s.k = t.k)",
            ]
        )
    ).format(not_=draw(st.sampled_from(["", "NOT "])), inner=inner)
    if draw(st.booleans()):
        return f"SELECT {ROWS} FROM ({draw(below)}) AS t WHERE {asked}"
    value = draw(st.sampled_from(["SELECT MAX(s.v) FROM {inner} WHERE s.k = t.k", "SELECT COUNT(s.v) FROM {inner}"]))
    value = value.format(inner=f"({draw(below)}) AS s")
    return f"SELECT k, j, ({value}) AS v, {asked} AS flag FROM ({draw(below)}) AS t"


@st.composite
def compared(draw: st.DrawFn, below: Queries) -> str:
    """INTERSECT or EXCEPT."""
    operation = draw(st.sampled_from(["INTERSECT", "EXCEPT"])) + draw(st.sampled_from(["", " ALL"]))
    return f"SELECT * FROM ({draw(below)}) AS l {operation} SELECT * FROM ({draw(below)}) AS r"


@st.composite
def top(draw: st.DrawFn, below: Queries) -> str:
    """The first rows of each partition; rows that tie are alike."""
    order = draw(st.sampled_from(["v DESC, j, flag, k", "v, j DESC, flag, k", "j, v DESC, flag, k"]))
    partition = draw(st.sampled_from(["PARTITION BY k ", "PARTITION BY j, flag ", ""]))
    limit = draw(st.sampled_from(["rn <= 1", "rn <= 2", "rn BETWEEN 2 AND 3"]))
    numbered = f"SELECT *, ROW_NUMBER() OVER ({partition}ORDER BY {order}) AS rn FROM ({draw(below)}) AS t"
    shown = draw(st.sampled_from([ROWS, "k, j, rn AS v, flag"]))
    return f"SELECT {shown} FROM ({numbered}) AS t WHERE {limit}"


@st.composite
def rolled(draw: st.DrawFn, below: Queries) -> str:
    """Several groupings at once."""
    sets = draw(st.sampled_from(["ROLLUP (k, j)", "CUBE (k, j)", "GROUPING SETS ((k, j), (j))", "k, ROLLUP (j)"]))
    value = draw(aggregates() | counts | st.just("GROUPING_ID(k, j)"))
    having = draw(st.sampled_from(["", " HAVING COUNT(*) > 1"]))
    if "ROLLUP (k" in sets or "CUBE" in sets:  # a total of nothing is a row in a batch and none in a stream
        having = " HAVING COUNT(*) > 0"
    columns = f"k, j, CAST({value} AS BIGINT) AS v, GROUPING(j) = 1 AS flag"
    return f"SELECT {columns} FROM ({draw(below)}) AS t GROUP BY {sets}{having}"


@st.composite
def running(draw: st.DrawFn, below: Queries) -> str:
    """Aggregates of the rows up to each, and those that tie with it."""
    order = draw(st.sampled_from(["v", "j"]))
    call = draw(st.sampled_from(["SUM(v)", "COUNT(j)", "MIN(v)", "MAX(v)", "COUNT(*)"]))
    frame = f"PARTITION BY {draw(st.sampled_from(['k', 'k, flag']))} ORDER BY {order}"
    return f"SELECT k, j, {call} OVER ({frame}) AS v, flag FROM ({draw(below)}) AS t"


@st.composite
def unnested(draw: st.DrawFn, below: Queries) -> str:
    elements = draw(st.sampled_from(["v, CAST(j AS BIGINT)", "v, v", "CAST(1 AS BIGINT), v, -v"]))
    condition = draw(st.sampled_from(["", " WHERE e > 0", " WHERE e = v OR flag"]))
    return (
        f"SELECT k, j, e AS v, flag FROM ({draw(below)}) AS t CROSS JOIN UNNEST(ARRAY[{elements}]) AS x (e){condition}"
    )


@st.composite
def shared(draw: st.DrawFn, below: Queries) -> str:
    """A query that is read twice."""
    used = draw(
        st.sampled_from(
            [
                "SELECT l.k, r.j, l.v, r.flag FROM s AS l JOIN s AS r ON l.k = r.k AND l.v < r.v",
                "SELECT l.k, l.j, r.v, r.flag FROM s AS l LEFT JOIN s AS r ON l.v = r.j",
                f"SELECT {ROWS} FROM s WHERE flag UNION ALL SELECT {ROWS} FROM s WHERE v > 0",
                f"SELECT {ROWS} FROM s WHERE v >= (SELECT AVG(v) FROM s AS q WHERE q.k = s.k)",
                "SELECT k, j, (SELECT COUNT(*) FROM s AS q WHERE q.j = s.j) AS v, flag FROM s",
            ]
        )
    )
    return f"SELECT * FROM (WITH s AS ({draw(below)}) {used}) AS t"


@st.composite
def chained(draw: st.DrawFn, below: Queries) -> str:
    """A join of three by one key, or by two."""
    first, second = draw(st.sampled_from(JOINS[:2])), draw(st.sampled_from(JOINS))
    key = draw(st.sampled_from(["x.k", "y.k", "y.k AND y.j = z.j"]))
    return (
        f"SELECT x.k, y.j, z.v, x.flag FROM ({draw(below)}) AS x {first} ({draw(below)}) AS y ON x.k = y.k "
        f"{second} ({draw(below)}) AS z ON {key.split(' ')[0]} = z.k{key[3:]}"
    )


FORMS: list[Callable[[Queries], Queries]] = [
    rolled,
    running,
    unnested,
    shared,
    chained,
    filtered,
    projected,
    distinct,
    united,
    grouped,
    joined,
    asking,
    compared,
    top,
]


def stacked(below: Queries) -> Queries:
    return st.one_of([form(below) for form in FORMS])


queries = stacked(sources) | stacked(sources | stacked(sources)) | stacked(stacked(sources | stacked(sources)))


def as_files(query: str, events: list[Event]) -> str:
    """The `.sql` and the `.input` of a test under `tests/sql`."""
    lines = []
    for event in events:
        row = json.dumps(dict(zip(NAMES, event.values, strict=True)))
        key = f' key={{"id":{event.values[0]}}}' if event.table in CHANGING else ""
        lines.append(f"{event.table}{key} {'null' if event.deleted else row}")
    return f"{DDL}{SINK}INSERT INTO r\n{query};\n\n" + "\n".join(lines)
