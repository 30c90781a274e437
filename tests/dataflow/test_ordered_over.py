"""OVER in another order than that of time: DuckDB's answer at every prefix, over added rows and changing ones."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import oracle
import pytest
from changelogs import Event, Outcome, batches_between, run, started
from event_streams import cut
from hypothesis import given, settings
from hypothesis import strategies as st
from test_over_queries import calls, edges

from riacho.dataflow.expressions import Settings
from riacho.host import ManualClock
from riacho.plan.changelog import is_updating, unique_keys
from riacho.plan.relations import Field, Job, Relation, Schema, Sink
from riacho.plan.tables import Table
from riacho.plan.types import BIGINT, BOOLEAN, DOUBLE, INT, STRING
from riacho.sql.session import Session

DDL = """
CREATE TABLE t (k STRING, j INT, v BIGINT, flag BOOLEAN, d DOUBLE)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE u (id INT, k STRING, j INT, v BIGINT, flag BOOLEAN, d DOUBLE, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
"""
KINDS = (("k", STRING), ("j", INT), ("v", BIGINT), ("flag", BOOLEAN), ("d", DOUBLE))
ROWS = Schema(tuple(Field(name, kind) for name, kind in (("seq", BIGINT), *KINDS)))
KEYED = Schema(tuple(Field(name, kind) for name, kind in (("id", INT), *KINDS)))
NAN = float("nan")

values = st.tuples(
    st.none() | st.sampled_from(["x", "y", "a string longer than twelve bytes"]),
    st.none() | st.integers(0, 1),
    st.none() | st.integers(-3, 3),
    st.none() | st.booleans(),
    st.none() | st.sampled_from([0.5, -1.0, 7.0, NAN]),
)


@st.composite
def windows(draw: st.DrawFn, *, frames: tuple[str, ...], orders: tuple[str, ...]) -> tuple[str, str]:
    """PARTITION BY and ORDER BY, and the frame."""
    partition = draw(st.sampled_from(["", "PARTITION BY k ", "PARTITION BY k, j ", "PARTITION BY flag "]))
    nulls = draw(st.sampled_from(["", " NULLS FIRST", " NULLS LAST"]))
    return f"{partition}ORDER BY {draw(st.sampled_from(orders))}{nulls}", draw(st.sampled_from(frames))


def planned(query: str) -> Relation:
    session = Session()
    session.execute(DDL)
    return session.query(query)


def ours(table: str, names: str, over: tuple[str, str], asked: list[str]) -> Relation:
    window, frame = over
    texts = (f"{call} OVER ({window} {'' if call == 'ROW_NUMBER()' else frame})" for call in asked)
    return planned(f"SELECT {names}, {', '.join(texts)} FROM {table}")


def duckdb(table: str, names: str, over: tuple[str, str], asked: list[str], ties: str) -> str:
    window, frame = over
    if "NULLS" not in window:
        window += " NULLS FIRST"
    texts = []
    for call in asked:
        for name in ("v", "k"):
            for edge in ("FIRST_VALUE", "LAST_VALUE"):
                call = call.replace(f"{edge}({name})", f"{edge}({name} IGNORE NULLS)")
        text = f"{call} OVER ({window}{ties if frame else ''} {frame})"
        texts.append(f"CAST(TRUNC({text}) AS BIGINT)" if call.startswith("AVG") else text)
    return f"SELECT {names}, {', '.join(texts)} FROM {table}"


def asked(frame: str) -> st.SearchStrategy[list[str]]:
    return st.lists(calls | edges | st.just("ROW_NUMBER()") if frame else calls, min_size=1, max_size=4)


UNBOUNDED_ROWS = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"


@st.composite
def added(draw: st.DrawFn) -> Any:
    return cut(draw, [Event("t", row) for row in draw(st.lists(values, min_size=1, max_size=30))])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), stream=added())
def test_over_any_order_is_that_of_the_batch_after_every_pass(data: st.DataObject, stream: Any) -> None:
    events, cuts, restarts = stream
    over = data.draw(windows(frames=("", UNBOUNDED_ROWS), orders=("v", "k", "flag", "d", "v + j")))
    functions = data.draw(asked(over[1]))
    relation = ours("t", "k, j, v, flag, d", over, functions)
    assert is_updating(relation)
    query = duckdb("rows", "k, j, v, flag, d", over, functions, ", seq")

    def compare(prefix: int, outcome: Outcome) -> None:
        oracle.load("rows", ROWS, [(number, *event.values) for number, event in enumerate(events[:prefix])])
        assert outcome.total() == oracle.query(query)

    compare(len(events), run(relation, events, cuts, restart_at=restarts, observe=compare))


@st.composite
def changes(draw: st.DrawFn) -> Any:
    events = []
    for _ in range(draw(st.integers(1, 30))):
        key, deleted = draw(st.integers(0, 5)), draw(st.integers(0, 3)) == 0
        events.append(Event("u", (key, *draw(values)), deleted=deleted))
    return cut(draw, events)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), stream=changes())
def test_over_rows_that_change_follows_them(data: st.DataObject, stream: Any) -> None:
    events, cuts, restarts = stream
    over = data.draw(
        windows(frames=("",), orders=("v", "k", "flag", "d")) | windows(frames=(UNBOUNDED_ROWS,), orders=("id",))
    )
    functions = data.draw(asked(over[1]))
    relation = ours("u", "id, k, j, v, flag, d", over, functions)
    assert unique_keys(relation) == {frozenset({0})}
    query = duckdb("rows", "id, k, j, v, flag, d", over, functions, "")

    def compare(prefix: int, outcome: Outcome) -> None:
        rows: dict[int, tuple[Any, ...]] = {}
        for event in events[:prefix]:
            rows.pop(event.values[0], None)
            if not event.deleted:
                rows[event.values[0]] = event.values
        oracle.load("rows", KEYED, list(rows.values()))
        assert outcome.total() == oracle.query(query)

    compare(len(events), run(relation, events, cuts, restart_at=restarts, observe=compare))


def test_equal_rows_go_one_by_one() -> None:
    relation = planned("SELECT k, COUNT(*) OVER (PARTITION BY k ORDER BY v ROWS UNBOUNDED PRECEDING) FROM u")
    twice = [Event("u", (number, "x", 0, 1, True, 0.5)) for number in (1, 2)]
    one_goes = [*twice, Event("u", (1, *[None] * 5), deleted=True)]
    assert run(relation, twice, [1]).total() == {("x", 1): 1, ("x", 2): 1}
    assert run(relation, one_goes, [2]).total() == {("x", 1): 1}


def test_a_row_whose_results_stay_is_not_told_again() -> None:
    relation = planned("SELECT v, MIN(v) OVER (ORDER BY v), COUNT(*) OVER (ORDER BY v) FROM t")
    events = [Event("t", (None, None, value, None, None)) for value in (1, 2, 3, 2)]
    outcome = run(relation, events, range(5), end=False)
    assert outcome.passes[3] == [((2, 1, 2), -1), ((2, 1, 3), 1), ((2, 1, 3), 1), ((3, 1, 3), -1), ((3, 1, 4), 1)]


@pytest.mark.parametrize("order", ["v", "k"])
def test_a_partition_is_forgotten_when_nothing_has_come_for_its_time_to_live(order: str) -> None:
    clock = ManualClock(1_000_000)
    relation = planned(f"SELECT k, v, SUM(v) OVER (PARTITION BY k ORDER BY {order}) FROM t")
    job = Job((Sink(relation, Table("out", (), (("connector", "blackhole"),))),))
    events = [Event("t", (key, 0, value, None, None)) for key, value in (("x", 1), ("y", 2), ("y", 3), ("x", 4))]
    graph, total = started(job, Settings(clock=clock, state_ttl_ms=1000), 1), Counter[Any]()
    for (start, stop), wait in zip(pairwise(range(5)), (0, 600, 600, 0), strict=True):
        clock.advance(wait)
        for part in graph.run_pass(batches_between(graph, events, start, stop)):
            for batch in part.values():
                for row, sign in zip(batch.frame.rows(), batch.signs().tolist(), strict=True):
                    total[row] += sign
        snapshot = graph.snapshot()
        graph = started(job, Settings(clock=clock, state_ttl_ms=1000), 1)
        graph.restore(snapshot)
    expected = (
        {("x", 1, 1), ("x", 4, 4), ("y", 2, 2), ("y", 3, 5)}
        if order == "v"
        else {("x", 1, 1), ("x", 4, 4), ("y", 2, 5), ("y", 3, 5)}
    )
    assert +total == dict.fromkeys(expected, 1), "x began anew, y went on"
