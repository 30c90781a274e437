"""Lookup joins: left rows wait until the table on the right has been read, then each meets its rows, once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import oracle
import polars as pl
import pytest
from changelogs import Event, at, batches_between, run, scan, started, total
from event_streams import Stream, cut
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.batch import END_OF_TIME, Batch, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.expressions import Settings
from riacho.plan.expressions import Call
from riacho.plan.relations import Job, Join, JoinKind, Lookup, Sink, TimeAttribute, Watermark
from riacho.plan.tables import Table
from riacho.plan.types import BIGINT, BOOLEAN, STRING, TIMESTAMP_3

LEFT, RIGHT = scan("a", id=BIGINT, k=STRING, v=BIGINT), scan("b", id=BIGINT, k=STRING, v=BIGINT)
KEYS = st.none() | st.sampled_from(["x", "y", "a string longer than twelve bytes"])


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    events = []
    for number in range(draw(st.integers(1, 25))):
        row = (number, draw(KEYS), draw(st.none() | st.integers(0, 3)))
        events.append(Event(draw(st.sampled_from("ab")), row))
    return cut(draw, events)


def lookup(kind: JoinKind, *, residual: bool) -> Join:
    join = Join(LEFT, RIGHT, kind, (1,), (1,), time=Lookup())
    return replace(join, residual=Call(BOOLEAN, "<=", (join.pair.column(2), join.pair.column(5)))) if residual else join


@pytest.mark.parametrize("kind", [JoinKind.INNER, JoinKind.LEFT], ids=["inner", "left"])
@settings(max_examples=20, deadline=None)
@given(stream=streams(), residual=st.booleans())
def test_rows_that_come_while_the_table_is_read_meet_all_of_it(kind: JoinKind, stream: Any, residual: bool) -> None:
    events, cuts, restarts = stream
    for name, source in (("a", LEFT), ("b", RIGHT)):
        oracle.load(name, source.schema, [event.values for event in events if event.table == name])
    condition = "a.k = b.k" + (" AND a.v <= b.v" if residual else "")
    outcome = run(lookup(kind, residual=residual), events, cuts, restart_at=restarts)
    assert outcome.total() == oracle.query(f"SELECT * FROM a {kind.value} JOIN b ON {condition}")


def ended(graph: Any, table: str, moment: int) -> dict[str, Batch]:
    """The end of a table's scan after a row."""
    (name, relation), *_ = [(n, r) for n, r in graph.scans.items() if r.table.name == table]
    frame = pl.DataFrame(schema=polars_schema(relation.schema))
    steps = WatermarkSteps.still().then(moment, END_OF_TIME)
    return {name: Batch(frame, np.empty(0, np.int64), steps, split=np.empty(0, np.int32))}


def rows(outputs: Iterable[dict[str, Batch]]) -> list[Any]:
    return [
        change
        for part in outputs
        for batch in part.values()
        for change in zip(batch.frame.rows(), batch.signs().tolist(), strict=True)
    ]


def test_after_the_table_has_been_read_rows_pass_at_once_and_across_a_restart() -> None:
    job = Job((Sink(lookup(JoinKind.LEFT, residual=False), Table("out", (), (("connector", "blackhole"),))),))
    events = [Event("a", (1, "x", 0)), Event("b", (7, "x", 0)), Event("a", (2, "x", 0)), Event("a", (3, "y", 0))]
    graph = started(job, Settings(), 1)
    assert rows(graph.run_pass(batches_between(graph, events, 0, 2))) == []
    snapshot = graph.snapshot()
    graph = started(job, Settings(), 1)
    graph.restore(snapshot)
    assert rows(graph.run_pass(ended(graph, "b", 1))) == [((1, "x", 0, 7, "x", 0), 1)]
    snapshot = graph.snapshot()
    graph = started(job, Settings(), 1)
    graph.restore(snapshot)
    after = rows(graph.run_pass(batches_between(graph, events, 2, 4)))
    assert total(after) == {(2, "x", 0, 7, "x", 0): 1, (3, "y", 0, None, None, None): 1}


def test_the_watermark_waits_with_the_rows() -> None:
    left = scan("a", k=STRING, ts=TIMESTAMP_3)
    timed = Watermark(left, 1, left.schema.column(1))
    join = Join(timed, RIGHT, JoinKind.INNER, (0,), (1,), time=Lookup())
    assert join.schema[1].time is TimeAttribute.ROWTIME
    job = Job((Sink(join, Table("out", (), (("connector", "blackhole"),))),))
    events = [Event("b", (7, "x", 0)), Event("a", ("x", at(5))), Event("a", ("x", at(9))), Event("a", ("x", at(12)))]
    graph = started(job, Settings(), 1)
    (held,) = graph.run_pass(batches_between(graph, events, 0, 3))
    assert [batch.watermark.after for batch in held.values()] == [WatermarkSteps.still().after]
    inputs = {**batches_between(graph, events, 3, 4), **ended(graph, "b", 2)}
    (released,) = graph.run_pass(inputs)
    (batch,) = released.values()
    assert len(batch) == 3
    seen = batch.watermark.seen_by(batch.sequence).tolist()
    first = int(at(9).timestamp() * 0) + seen[-1]
    assert seen == [WatermarkSteps.still().before] * 2 + [first]
    assert batch.watermark.after > first
