"""Queries as text, made up of every form there is: any cut of their input gives DuckDB's answer at every prefix.

The other tests of this folder try one operator at a time, by plans made by hand. Here the text goes through the parser,
the binder and the passes, and forms are stacked: what an aggregate or a left join takes back, the next has to follow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import oracle
from changelogs import Event, run
from event_streams import Stream, cut, table_after
from hypothesis import given, settings
from hypothesis import strategies as st
from query_text import aggregates, conditions, counts, for_duckdb, values

from riacho.plan.relations import Relation
from riacho.plan.types import BIGINT, BOOLEAN, INT, STRING
from riacho.sql.session import Session

COLUMNS = {"id": BIGINT, "k": STRING, "j": INT, "v": BIGINT, "flag": BOOLEAN}
ADDED, CHANGING = ("a", "b"), ("u", "w")
DDL = "".join(
    f"CREATE TABLE {name} (id BIGINT, k STRING, j INT, v BIGINT, flag BOOLEAN) WITH ('connector' = 'kafka');"
    for name in ADDED
) + "".join(
    f"CREATE TABLE {name} (id BIGINT, k STRING, j INT, v BIGINT, flag BOOLEAN, PRIMARY KEY (id) NOT ENFORCED) "
    "WITH ('connector' = 'upsert-kafka');"
    for name in CHANGING
)


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


# Every query below has the columns k STRING, j INT, v BIGINT, flag BOOLEAN: each can stand in each.
sources = st.sampled_from([f"SELECT k, j, v, flag FROM {name}" for name in ADDED + CHANGING])


@st.composite
def filtered(draw: st.DrawFn, below: st.SearchStrategy[str]) -> str:
    return f"SELECT k, j, v, flag FROM ({draw(below)}) AS t WHERE {draw(conditions)}"


@st.composite
def projected(draw: st.DrawFn, below: st.SearchStrategy[str]) -> str:
    value = draw(st.sampled_from(["v + j", "-v", "COALESCE(v, 2)", "CASE WHEN flag THEN v ELSE 1 END"]))
    return f"SELECT k, j + 1 AS j, {value} AS v, v > 0 AS flag FROM ({draw(below)}) AS t"


@st.composite
def distinct(draw: st.DrawFn, below: st.SearchStrategy[str]) -> str:
    return f"SELECT DISTINCT k, j, v, flag FROM ({draw(below)}) AS t"


@st.composite
def united(draw: st.DrawFn, below: st.SearchStrategy[str]) -> str:
    return f"{draw(below)} UNION{draw(st.sampled_from([' ALL', '']))} {draw(below)}"


@st.composite
def grouped(draw: st.DrawFn, below: st.SearchStrategy[str]) -> str:
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
def joined(draw: st.DrawFn, below: st.SearchStrategy[str]) -> str:
    kind = draw(st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]))
    condition = draw(st.sampled_from(["l.k = r.k", "l.k = r.k AND l.j = r.j", "l.v = r.v AND l.flag"]))
    condition += draw(st.sampled_from(["", "", " AND l.v <= r.v"]))
    return f"SELECT l.k, r.j, l.v, r.flag FROM ({draw(below)}) AS l {kind} ({draw(below)}) AS r ON {condition}"


@st.composite
def asking(draw: st.DrawFn, below: st.SearchStrategy[str]) -> str:
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
        return f"SELECT k, j, v, flag FROM ({draw(below)}) AS t WHERE {asked}"
    value = draw(st.sampled_from(["SELECT MAX(s.v) FROM {inner} WHERE s.k = t.k", "SELECT COUNT(s.v) FROM {inner}"]))
    value = value.format(inner=f"({draw(below)}) AS s")
    return f"SELECT k, j, ({value}) AS v, {asked} AS flag FROM ({draw(below)}) AS t"


@st.composite
def compared(draw: st.DrawFn, below: st.SearchStrategy[str]) -> str:
    """INTERSECT or EXCEPT."""
    operation = draw(st.sampled_from(["INTERSECT", "EXCEPT"])) + draw(st.sampled_from(["", " ALL"]))
    return f"SELECT * FROM ({draw(below)}) AS l {operation} SELECT * FROM ({draw(below)}) AS r"


def stacked(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    forms: list[Callable[..., st.SearchStrategy[str]]] = [
        filtered,
        projected,
        distinct,
        united,
        grouped,
        joined,
        asking,
        compared,
    ]
    return st.one_of([form(below) for form in forms])


queries = stacked(sources) | stacked(sources | stacked(sources)) | stacked(stacked(sources | stacked(sources)))


def plan(query: str) -> Relation:
    session = Session()
    session.execute(DDL)
    return session.query(query)


def answer(query: str, events: list[Event]) -> Counter[tuple[Any, ...]]:
    schema = plan("SELECT id, k, j, v, flag FROM a").schema
    for name in ADDED + CHANGING:
        oracle.load(name, schema, table_after(events, name, changing=name in CHANGING))
    return oracle.query(for_duckdb(query))


@settings(max_examples=100, deadline=None)
@given(query=queries, stream=streams())
def test_a_query_of_any_forms_is_that_of_the_batch_at_every_prefix(query: str, stream: Any) -> None:
    events, cuts, restarts = stream

    def compare(prefix: int, outcome: Any) -> None:
        assert outcome.total() == answer(query, events[:prefix])

    run(plan(query), events, cuts, restart_at=restarts, observe=compare)
