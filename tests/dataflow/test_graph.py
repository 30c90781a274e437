"""The graph: shared steps, snapshots that fit only their query, rejected rows, idle splits, the end of input."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from changelogs import Event, at, call, run, scan
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK, Batch, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.expressions import RowError, Settings
from riacho.dataflow.graph import Graph, SnapshotMismatchError
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_frame, words_of_floats
from riacho.dataflow.watermark import SplitWatermarks
from riacho.host import ManualClock
from riacho.plan.expressions import Call, Literal, Position
from riacho.plan.relations import (
    Aggregate,
    Field,
    Filter,
    Job,
    Project,
    Relation,
    Scan,
    Sink,
    Union,
    Values,
    Watermark,
    WindowAggregate,
    WindowKind,
    WindowProperty,
)
from riacho.plan.tables import Table
from riacho.plan.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    FLOAT,
    INT,
    STRING,
    TIME,
    TIMESTAMP_3,
    ArrayType,
    DecimalType,
    MapType,
    RowField,
    RowType,
)

SOURCE = scan("t", k=STRING, v=BIGINT, ts=TIMESTAMP_3)
ONE = Literal(BIGINT, 1)


def sink(name: str, relation: Relation) -> Sink:
    return Sink(relation, Table(name, (), (("connector", "blackhole"),)))


def batch(scan: Scan, rows: list[tuple[Any, ...]], first: int = 0, split: int = 0) -> Batch:
    frame = pl.DataFrame(rows, schema=polars_schema(scan.schema), orient="row")
    sequence = np.arange(first, first + len(rows))
    return Batch(frame, sequence, WatermarkSteps.still(), split=np.full(len(rows), split, np.int32))


def only(parts: Iterable[dict[str, Batch]]) -> Batch:
    """What the only sink gets from a pass that was not divided."""
    (outputs,) = parts
    (output,) = outputs.values()
    return output


def over(value: int, position: Position | None = None) -> Filter:
    predicate = Call(BOOLEAN, ">", (SOURCE.schema.column("v"), Literal(BIGINT, value)), position=position)
    return Filter(SOURCE, predicate)


def counts(below: Relation) -> Aggregate:
    return Aggregate(below, (0,), (call("COUNT", below.schema), call("SUM", below.schema, "v")), ("k", "n", "total"))


def test_equal_sub_plans_run_once_and_feed_every_sink() -> None:
    job = Job((sink("one", counts(over(1))), sink("two", counts(over(1))), sink("three", over(1))))
    graph = Graph.build(job, Settings())
    (name,) = graph.scans
    (outputs,) = graph.run_pass({name: batch(SOURCE, [("a", 1, at(0)), ("a", 2, at(1)), ("b", 3, at(2))])})
    first, second, third = outputs.values()
    assert first.frame.rows() == second.frame.rows() == [("a", 1, 2), ("b", 1, 3)]
    assert third.frame.height == 2
    kinds = [type(metric.relation) for metric in graph.metrics()]
    assert kinds == [Scan, Filter, Aggregate, Sink, Sink, Sink]
    assert [metric.rows_out for metric in graph.metrics()] == [3, 2, 2, 2, 2, 2]


def test_a_filter_protects_the_projection_above_it() -> None:
    keep = Filter(SOURCE, Call(BOOLEAN, "<>", (SOURCE.schema.column("v"), Literal(BIGINT, 0))))
    quotient = Call(BIGINT, "/", (Literal(BIGINT, 12), keep.schema.column("v")))
    relation = Project(keep, (keep.schema.column("k"), quotient), ("k", "q"))
    events = [Event("t", ("a", v, at(0))) for v in (0, 3, None)]
    assert [row for row, _ in run(relation, events).changes] == [("a", 4)]


def test_a_row_that_fails_next_to_its_source_is_set_aside_and_the_others_go_on() -> None:
    quotient = Call(BIGINT, "/", (Literal(BIGINT, 12), SOURCE.schema.column("v")))
    relation = counts(Project(SOURCE, (SOURCE.schema.column("k"), quotient), ("k", "v")))
    graph = Graph.build(Job((sink("out", relation),)), Settings())
    (name,) = graph.scans
    rows = [("a", 3, at(0)), ("a", 0, at(0)), ("a", 4, at(0))]
    output = only(graph.run_pass({name: batch(SOURCE, rows, first=10)}))
    assert output.frame.rows() == [("a", 2, 7)]
    (rejected,) = graph.take_rejected()
    assert rejected.sequence == 11


def test_a_row_that_fails_above_an_aggregate_fails_the_pass() -> None:
    below = counts(SOURCE)
    relation = Project(below, (Call(BIGINT, "/", (ONE, below.schema.column("total"))),), ("q",))
    graph = Graph.build(Job((sink("out", relation),)), Settings())
    (name,) = graph.scans
    with pytest.raises(RowError):
        only(graph.run_pass({name: batch(SOURCE, [("a", 0, at(0))])}))


def test_a_snapshot_of_another_query_is_refused() -> None:
    snapshot = Graph.build(Job((sink("out", counts(over(1))),)), Settings()).snapshot()
    other = Graph.build(Job((sink("out", counts(over(2))),)), Settings())
    with pytest.raises(SnapshotMismatchError, match="a different query"):
        other.restore(snapshot)
    with pytest.raises(SnapshotMismatchError, match="other steps"):
        Graph.build(Job((sink("out", over(1)),)), Settings()).restore(snapshot)


def test_a_reformatted_query_on_another_broker_keeps_its_state() -> None:
    graph = Graph.build(Job((sink("out", counts(over(1, Position(1, 1)))),)), Settings())
    (name,) = graph.scans
    only(graph.run_pass({name: batch(SOURCE, [("a", 2, at(0))])}))
    moved = Graph.build(Job((sink("out", counts(over(1, Position(7, 3)))),)), Settings())
    moved.restore(graph.snapshot())
    output = only(moved.run_pass({name: batch(SOURCE, [("a", 3, at(0))], first=1)}))
    assert list(zip(output.frame.rows(), output.signs(), strict=True)) == [(("a", 1, 2), -1), (("a", 2, 5), 1)]


def test_a_snapshot_is_not_altered_by_later_passes() -> None:
    graph = Graph.build(Job((sink("out", counts(SOURCE)),)), Settings())
    (name,) = graph.scans
    only(graph.run_pass({name: batch(SOURCE, [("a", 2, at(0))])}))
    snapshot = graph.snapshot()
    before = {key: array.copy() for key, array in snapshot.items()}
    only(graph.run_pass({name: batch(SOURCE, [("a", 2, at(0)), ("b", 2, at(0))], first=1)}))
    assert all(np.array_equal(before[key], array) for key, array in snapshot.items())


def test_values_are_emitted_once_and_end_their_event_time() -> None:
    fields = (Field("k", STRING), Field("v", BIGINT))
    relation = Values(fields, ((Literal(STRING, "a"), ONE), (Literal(STRING, "b"), Literal(BIGINT, None))))
    graph = Graph.build(Job((sink("out", relation),)), Settings())
    first = only(graph.run_pass({}))
    restored = Graph.build(Job((sink("out", relation),)), Settings())
    restored.restore(graph.snapshot())
    second = only(restored.run_pass({}))
    assert first.frame.rows() == [("a", 1), ("b", None)]
    assert first.watermark.after == second.watermark.after == END_OF_TIME
    assert len(second) == 0


def windows_of_a_union() -> WindowAggregate:
    sources = [scan(name, k=STRING, v=BIGINT, ts=TIMESTAMP_3) for name in ("fast", "slow")]
    both = Union(tuple(Watermark(source, 2, source.schema.column(2)) for source in sources))
    return WindowAggregate(
        both, WindowKind.TUMBLE, 2, 10, 10, 0, (), (call("COUNT", both.schema),), (WindowProperty.END,), ("n", "end")
    )


def test_a_union_waits_for_its_slower_input() -> None:
    events = [Event("fast", ("a", 1, at(1))), Event("fast", ("a", 1, at(50))), Event("slow", ("a", 1, at(2)))]
    outcome = run(windows_of_a_union(), [*events, Event("slow", ("a", 1, at(30)))], range(5), end=False)
    assert [[row[0] for row, _ in rows] for rows in outcome.passes] == [[], [], [], [2]]
    assert outcome.late == 0


def test_the_end_closes_the_windows_of_a_union_whose_other_input_never_had_a_row() -> None:
    outcome = run(windows_of_a_union(), [Event("fast", ("a", 1, at(1)))])
    assert outcome.changes == [((1, at(10)), 1)]


def test_an_idle_split_stops_holding_the_watermark_back_until_its_next_row() -> None:
    clock = ManualClock()
    splits = SplitWatermarks(clock, idle_timeout_ms=100)
    splits.assign([0, 1])
    every = np.empty(0, np.bool_)

    def row(sequence: int, split: int, value: int) -> WatermarkSteps:
        return splits.advance(np.array([sequence]), np.array([split], np.int32), np.array([value]), every)

    assert row(0, 0, 50).after == NO_WATERMARK
    clock.advance(60)
    assert row(1, 0, 60).after == NO_WATERMARK
    clock.advance(60)
    nothing = np.empty(0, np.int64)
    moved = splits.advance(nothing, np.empty(0, np.int32), nothing, every)
    assert (moved.sequence.tolist(), moved.value.tolist()) == ([1], [60])
    assert row(2, 1, 10).after == 60, "a watermark never goes back"


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.none() | st.integers(0, 20)), max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=5),
)
def test_the_watermark_is_the_least_of_the_splits_running_maxima(rows: Any, cuts: list[int]) -> None:
    splits = SplitWatermarks(ManualClock())
    splits.assign(range(3))
    seen: list[int] = []
    bounds = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    for start, stop in pairwise(bounds):
        part = rows[start:stop]
        sequence = np.arange(start, stop)
        values = np.array([value or 0 for _, value in part], np.int64)
        valid = np.array([value is not None for _, value in part], np.bool_)
        steps = splits.advance(sequence, np.array([split for split, _ in part], np.int32), values, valid)
        seen += steps.seen_by(sequence).tolist()
    levels = [NO_WATERMARK] * 3
    for (split, value), watermark in zip(rows, seen, strict=True):
        assert watermark == min(levels)
        if value is not None:
            levels[split] = max(levels[split], value)


@given(
    st.lists(st.none() | st.integers(-5_000, 5_000), min_size=1, max_size=20), st.lists(st.integers(0, 20), max_size=3)
)
def test_rows_of_the_only_split_need_no_numbers(microseconds: list[int | None], cuts: list[int]) -> None:
    numbered, plain = (SplitWatermarks(ManualClock()) for _ in range(2))
    for start, stop in pairwise(sorted({0, len(microseconds), *(cut for cut in cuts if cut < len(microseconds))})):
        part = microseconds[start:stop]
        sequence, values = np.arange(start, stop), np.array([value or 0 for value in part], np.int64)
        valid = np.array([value is not None for value in part], np.bool_)
        expected = numbered.advance(sequence, np.zeros(len(part), np.int32), values // 1000, valid)
        steps = plain.advance(sequence, None, values, valid, 1000)
        assert (steps.before, steps.sequence.tolist(), steps.value.tolist()) == (
            expected.before,
            expected.sequence.tolist(),
            expected.value.tolist(),
        )


nested = RowType((RowField("a", INT), RowField("b", ArrayType(STRING))))
COLUMNS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (BIGINT, st.integers(-(2**63), 2**63 - 1)),
    (BOOLEAN, st.booleans()),
    (DOUBLE, st.floats()),
    (FLOAT, st.floats(width=32)),
    (STRING, st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
    (BYTES, st.binary(max_size=20)),
    (DecimalType(10, 2), st.decimals(-(10**8) + 1, 10**8 - 1, places=2)),
    (DecimalType(38, 3), st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: Decimal(f"{n}E-3"))),
    (DATE, st.dates(date(1, 1, 1), date(9999, 12, 31))),
    (TIME, st.times().map(lambda t: time(t.hour, t.minute, t.second, t.microsecond))),
    (TIMESTAMP_3, st.integers(-(10**12), 10**12).map(lambda n: at(0) + timedelta(milliseconds=n))),
    (ArrayType(BIGINT), st.lists(st.none() | st.integers(-5, 5), max_size=3)),
    (MapType(STRING, INT), st.lists(st.fixed_dictionaries({"key": st.sampled_from("ab"), "value": st.integers(0, 3)}))),
    (nested, st.fixed_dictionaries({"a": st.none() | st.integers(0, 9), "b": st.none() | st.lists(st.text("xy"))})),
]


@pytest.mark.parametrize(("kind", "values"), COLUMNS, ids=[str(kind) for kind, _ in COLUMNS])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_type_survives_its_words(data: st.DataObject, kind: Any, values: Any) -> None:
    fields = (Field("value", kind),)
    drawn = data.draw(st.lists(st.none() | values, min_size=1, max_size=8))
    column = pl.Series("value", drawn, dtype=polars_schema(_schema(fields))["value"])
    codec = RowCodec(fields, StringPool())
    words = codec.encode([column], len(column))
    back = build_frame(fields, codec.decode(words), len(column)).to_series()
    assert back.dtype == column.dtype
    assert back.equals(column, null_equal=True) or str(back.to_list()) == str(column.to_list())


def _schema(fields: tuple[Field, ...]) -> Any:
    return Values(fields, ()).schema


@given(st.lists(st.floats(), min_size=2, max_size=2))
def test_the_words_of_floats_order_as_the_floats_do(pair: list[float]) -> None:
    one, other = words_of_floats(np.array(pair)).tolist()
    if pair[0] < pair[1]:
        assert one < other
    elif pair[0] != pair[0] and pair[1] == pair[1]:
        assert one > other, "NaN is the greatest"
