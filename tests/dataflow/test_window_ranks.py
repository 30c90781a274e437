"""Top-N and deduplication in windows: each window once, when it closes, and as DuckDB numbers the rows in time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import numpy as np
import oracle
import polars as pl
import pytest
from changelogs import Event, at, comparable, run
from event_streams import out_of_order
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operators.window_rank import WindowRankOperator
from riacho.plan.relations import Relation, Schema, WindowRank, walk_relations
from riacho.sql.session import Session

SIZE_MS, LATENESS_MS = 10, 3
DDL = """
CREATE TABLE b (id BIGINT, k STRING, j INT, ts TIMESTAMP(3),
    WATERMARK FOR ts AS ts - INTERVAL '0.003' SECOND) WITH ('connector' = 'kafka');
"""
TUMBLE = "TABLE(TUMBLE(TABLE b, DESCRIPTOR(ts), INTERVAL '0.010' SECOND))"
WINDOW = f"epoch_ms(ts) // {SIZE_MS}"

rows = st.tuples(
    st.just(0), st.none() | st.sampled_from(["x", "a string longer than twelve bytes"]), st.none() | st.integers(0, 2)
)


def plan(query: str) -> Relation:
    session = Session()
    session.execute(DDL)
    relation = session.query(query)
    assert any(isinstance(step, WindowRank) for step in walk_relations(relation))
    return relation


def numbered(events: list[Event]) -> list[Event]:
    return [replace(event, values=(place, *event.values[1:])) for place, event in enumerate(events)]


def in_time(events: list[Event]) -> list[tuple[Any, ...]]:
    """The rows whose window had not closed before they came."""
    watermark, kept = at(-1000), []
    for event in events:
        ts = event.values[-1]
        place = int((ts - at(0)).total_seconds() * 1000 // SIZE_MS)
        if at((place + 1) * SIZE_MS - 1) > watermark:
            kept.append(event.values)
        watermark = max(watermark, ts - timedelta(milliseconds=LATENESS_MS))
    return kept


def check(query: str, theirs: str, stream: Any) -> None:
    events, cuts, restarts = stream
    events = numbered(events)
    outcome = run(plan(query), events, cuts, restart_at=restarts)
    kept = in_time(events)
    oracle.load("b", schema(), kept)
    assert all(diff == 1 for _, diff in outcome.changes)
    assert Counter(comparable(row) for row, _ in outcome.changes) == oracle.query(theirs)
    assert outcome.late == len(events) - len(kept)


def schema() -> Schema:
    session = Session()
    session.execute(DDL)
    return session.query("SELECT * FROM b").schema


@pytest.mark.parametrize("condition", ["n = 1", "n <= 2", "n BETWEEN 2 AND 3"])
@settings(max_examples=30, deadline=None)
@given(
    stream=out_of_order(rows, late_ms=15, tables=("b",), splits=1),
    key=st.sampled_from(["", ", k", ", k, j"]),
    order=st.sampled_from([("j DESC", "j DESC NULLS LAST"), ("k, j", "k NULLS FIRST, j NULLS FIRST")]),
    columns=st.sampled_from(["id, n", "id", "k, j"]),
)
def test_a_window_gives_its_first_rows_once(
    stream: Any, key: str, order: tuple[str, str], columns: str, condition: str
) -> None:
    query = (
        f"SELECT window_end, {columns} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end{key} "
        f"ORDER BY {order[0]}) AS n FROM {TUMBLE}) WHERE {condition}"
    )
    theirs = (
        f"SELECT epoch_ms(({WINDOW} + 1) * {SIZE_MS}), {columns} FROM (SELECT *, ROW_NUMBER() OVER ("
        f"PARTITION BY {WINDOW}{key} ORDER BY {order[1]}, id) AS n FROM b) WHERE {condition}"
    )
    check(query, theirs, stream)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@settings(max_examples=30, deadline=None)
@given(stream=out_of_order(rows, late_ms=15, tables=("b",), splits=1))
def test_a_window_is_deduplicated_by_time(stream: Any, direction: str) -> None:
    query = (
        f"SELECT id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k "
        f"ORDER BY ts {direction}) AS n FROM {TUMBLE}) WHERE n <= 1"
    )
    theirs = (
        f"SELECT id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {WINDOW}, k "
        f"ORDER BY ts {direction}, id {direction}) AS n FROM b) WHERE n <= 1"
    )
    check(query, theirs, stream)


@settings(max_examples=30, deadline=None)
@given(stream=out_of_order(rows, late_ms=15, tables=("b",), splits=1))
def test_the_groups_of_a_window_are_ranked_when_it_closes(stream: Any) -> None:
    query = (
        "SELECT window_end, k, c, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end "
        "ORDER BY c DESC, k) AS n FROM (SELECT window_start, window_end, k, COUNT(*) AS c "
        f"FROM {TUMBLE} GROUP BY window_start, window_end, k)) WHERE n <= 1"
    )
    theirs = (
        f"SELECT epoch_ms((w + 1) * {SIZE_MS}), k, c, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY w "
        f"ORDER BY c DESC, k NULLS FIRST) AS n FROM (SELECT {WINDOW} AS w, k, COUNT(*) AS c FROM b GROUP BY 1, 2)) "
        "WHERE n <= 1"
    )
    check(query, theirs, stream)


def test_windows_come_by_their_ends_and_their_partitions_as_they_began() -> None:
    query = (
        "SELECT window_end, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY j) "
        f"AS n FROM {TUMBLE}) WHERE n = 1"
    )
    events = [Event("b", (0, key, 1, at(ms))) for key, ms in (("z", 1), ("y", 11), ("a", 2), ("b", 11), ("z", 3))]
    outcome = run(plan(query), events)
    assert [row for row, _ in outcome.changes] == [(at(10), "z"), (at(10), "a"), (at(20), "y"), (at(20), "b")]


def test_the_state_of_a_window_is_freed_when_it_closes() -> None:
    query = (
        "SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY id) AS n "
        f"FROM {TUMBLE}) WHERE n <= 3"
    )
    relation = next(step for step in walk_relations(plan(query)) if isinstance(step, WindowRank))
    operator = WindowRankOperator(relation, Settings())
    for first in range(0, 2000, 100):
        moments = [at(number) for number in range(first, first + 100)]
        ends = [at(number // 10 * 10 + 10) for number in range(first, first + 100)]
        values = {"id": list(range(100)), "k": ["k" * 100] * 100, "ts": moments, "window_end": ends}
        values["window_start"] = [end - timedelta(milliseconds=SIZE_MS) for end in ends]
        frame = pl.DataFrame(
            {name: values.get(name, moments) for name in relation.input.schema.names},
            schema=polars_schema(relation.input.schema),
        )
        sequence = np.arange(first, first + 100)
        base = int(at(0).replace(tzinfo=UTC).timestamp() * 1000)
        steps = WatermarkSteps(base + first - 1, sequence, base + sequence)
        output = operator.process((Batch(frame, sequence, steps),))
        assert len(output) == 30
    assert len(operator._fronts.store) == 0
    assert operator.state_bytes < 1 << 20
