"""Windows: late rows, closing and results do not depend on how the input is cut into passes."""

# ruff: noqa: DTZ001 - TIMESTAMP has no zone

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import oracle
import pytest
from changelogs import Event, at, batches_between, call, comparable, run, scan, started
from event_streams import out_of_order
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.expressions import Settings, zone
from riacho.dataflow.operators import window_aggregate
from riacho.plan.relations import (
    Job,
    Relation,
    Sink,
    Watermark,
    WindowAggregate,
    WindowKind,
    WindowProperty,
    WindowTable,
)
from riacho.plan.tables import Table
from riacho.plan.types import BIGINT, BOOLEAN, DOUBLE, STRING, TIMESTAMP_3, TIMESTAMP_LTZ_3

SOURCE = scan("t", k=STRING, v=BIGINT, x=DOUBLE, s=STRING, open=BOOLEAN, ts=TIMESTAMP_3)
TIME = 5
STAMPED = Watermark(SOURCE, TIME, SOURCE.schema.column(TIME))
START, END, WINDOW_TIME = WindowProperty.START, WindowProperty.END, WindowProperty.TIME

texts = st.sampled_from(["a", "b", "a string longer than twelve bytes"])
rows = st.tuples(
    st.none() | texts,
    st.none() | st.integers(-3, 3),
    st.none() | st.sampled_from([0.1, 1.5, -2.25]),
    st.none() | texts,
    st.none() | st.booleans(),
)
streams = out_of_order(rows, late_ms=30)


def windowed(below: Relation, size: int, slide: int, *, offset: int = 0, values: bool = False) -> WindowAggregate:
    schema = below.schema
    calls = [
        call("COUNT", schema),
        call("SUM", schema, "v"),
        call("AVG", schema, "v"),
        call("MIN", schema, "v"),
        call("MAX", schema, "s", STRING),
        call("SUM", schema, "x", DOUBLE),
        call("COUNT", schema, "v", filter="open"),
    ]
    if values:
        calls.append(call("COUNT", schema, "s", distinct=True))
    names = ("k", *(f"c{place}" for place in range(len(calls))), "window_start", "window_end", "window_time")
    kind = WindowKind.TUMBLE if size == slide else WindowKind.HOP
    return WindowAggregate(below, kind, TIME, size, slide, offset, (0,), tuple(calls), (START, END, WINDOW_TIME), names)


def watermarks_before(events: list[Event], splits: int) -> list[int | None]:
    """The watermark that stood before each row: the least of the splits' greatest times, in milliseconds."""
    levels: list[int | None] = [None] * splits
    seen: list[int | None] = []
    for event in events:
        seen.append(None if None in levels else min(level for level in levels if level is not None))
        moment = milliseconds(event.values[TIME])
        level = levels[event.split]
        levels[event.split] = moment if level is None else max(level, moment)
    return seen


def milliseconds(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1)).total_seconds() * 1000)


def expected(events: list[Event], size: int, slide: int, offset: int, relation: WindowAggregate) -> tuple[Any, int]:
    """Each row in each window that was still open before it; DuckDB aggregates. And how many rows were in none."""
    expanded, late = [], 0
    for event, watermark in zip(events, watermarks_before(events, 2), strict=True):
        moment = milliseconds(event.values[TIME])
        first = (moment - offset) // slide * slide + offset + slide
        ends = [end for end in range(first, first + size, slide) if watermark is None or watermark < end - 1]
        late += not ends
        for end in ends:
            window_end = datetime(1970, 1, 1) + timedelta(milliseconds=end)
            start = window_end - timedelta(milliseconds=size)
            expanded.append((*event.values, start, window_end, window_end - timedelta(milliseconds=1)))
    table = WindowTable(STAMPED, WindowKind.HOP, TIME, size, slide, offset)
    oracle.load("expanded", table.schema, expanded)
    keys = ("k", "window_start", "window_end", "window_time")
    answer = oracle.grouped("expanded", keys, relation.calls)
    return {comparable((row[0], *row[4:], *row[1:4])) for row in answer}, late


SHAPES = [(10, 10, 0), (10, 10, 3), (20, 5, 0), (12, 4, 1)]


@pytest.mark.parametrize(("size", "slide", "offset"), SHAPES)
@pytest.mark.parametrize("values", [False, True], ids=["mergeable", "distinct"])
@settings(max_examples=10, deadline=None)
@given(stream=streams)
def test_windows_hold_the_rows_that_came_before_they_closed(
    stream: Any, size: int, slide: int, offset: int, values: bool
) -> None:
    events, cuts, restarts = stream
    relation = windowed(STAMPED, size, slide, offset=offset, values=values)
    whole = run(relation, events, splits=2)
    cut = run(relation, events, cuts, restart_at=restarts, splits=2)
    answer, late = expected(events, size, slide, offset, relation)
    assert {comparable(row) for row, _ in whole.changes} == answer
    assert len(whole.changes) == len(answer), "a window emits once"
    assert cut.changes == whole.changes, "the same rows in the same order"
    assert cut.late == whole.late == late


@settings(max_examples=15, deadline=None)
@given(stream=streams)
def test_windows_that_are_merged_in_parts_come_in_the_same_order(stream: Any) -> None:
    events, cuts, _ = stream
    relation = windowed(STAMPED, 20, 5)
    whole = run(relation, events, cuts, splits=2)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(window_aggregate, "MAX_EXPANDED", 1)
        parts = run(relation, events, cuts, splits=2)
    assert parts.changes == whole.changes


@settings(max_examples=15, deadline=None)
@given(stream=streams)
def test_a_window_of_windows_is_as_independent_of_cuts(stream: Any) -> None:
    events, cuts, restarts = stream
    inner = windowed(STAMPED, 4, 4)
    schema = inner.schema
    time = schema.index("window_time")
    outer = WindowAggregate(
        inner, WindowKind.TUMBLE, time, 12, 12, 0, (), (call("COUNT", schema), call("MAX", schema, "c0")),
        (END,), ("n", "most", "window_end"),
    )  # fmt: skip
    whole = run(outer, events, splits=2)
    cut = run(outer, events, cuts, restart_at=restarts, splits=2)
    assert cut.changes == whole.changes
    assert whole.late == run(inner, events, splits=2).late, "what the inner windows emit is never late"


@settings(max_examples=15, deadline=None)
@given(stream=streams)
def test_a_window_table_gives_each_row_once_per_window(stream: Any) -> None:
    events, cuts, _ = stream
    relation = WindowTable(STAMPED, WindowKind.HOP, TIME, 20, 5)
    outcome = run(relation, events, cuts, splits=2)
    assert len(outcome.changes) == 4 * len(events)
    for row, diff in outcome.changes:
        moment, start, end, time = row[-4:]
        assert diff == 1
        assert start <= moment < end == start + timedelta(milliseconds=20)
        assert time == end - timedelta(milliseconds=1)


def row(moment: int, key: str = "a", split: int = 0) -> Event:
    return Event("t", (key, 1, None, None, None, at(moment)), split=split)


def test_a_window_closes_when_the_watermark_reaches_its_last_millisecond() -> None:
    relation = windowed(STAMPED, 10, 10)
    outcome = run(relation, [row(3), row(8), row(9), row(25)], range(4), end=False)
    assert [len(batch) for batch in outcome.passes] == [0, 0, 1, 0]


def test_a_late_row_is_dropped_and_counted_once_its_window_has_closed() -> None:
    relation = windowed(STAMPED, 10, 10)
    outcome = run(relation, [row(3), row(12), row(5)])
    assert outcome.late == 1
    assert [(values[0], values[1]) for values, _ in outcome.changes] == [("a", 1), ("a", 1)]


def test_the_slowest_split_holds_the_watermark_back() -> None:
    relation = windowed(STAMPED, 10, 10)
    events = [row(3), row(100), row(4), row(12, split=1)]
    outcome = run(relation, events, range(4), splits=2, end=False)
    assert [len(batch) for batch in outcome.passes] == [0, 0, 0, 1]
    assert outcome.late == 0


ZONED = scan("t", k=STRING, v=BIGINT, x=DOUBLE, s=STRING, open=BOOLEAN, ts=TIMESTAMP_LTZ_3)
HOUR = 3_600_000


def zoned_windows(moments: list[datetime], size: int, where: str, cuts: Any = ()) -> list[tuple[Any, ...]]:
    stamped = Watermark(ZONED, TIME, ZONED.schema.column(TIME))
    relation = WindowAggregate(
        stamped, WindowKind.TUMBLE, TIME, size, size, 0, (), (call("COUNT", ZONED.schema),),
        (START, END, WINDOW_TIME), ("n", "window_start", "window_end", "window_time"),
    )  # fmt: skip
    events = [Event("t", ("a", 1, None, None, None, moment)) for moment in moments]
    outcome = run(relation, events, cuts, settings=Settings(zone=zone(where)))
    assert outcome.late == 0
    return [values for values, _ in outcome.changes]


def test_windows_over_instants_follow_the_sessions_clock() -> None:
    moments = [datetime(2024, 6, 1, 3, 30, tzinfo=UTC), datetime(2024, 6, 1, 4, 30, tzinfo=UTC)]
    days = zoned_windows(moments, 24 * HOUR, "America/New_York")
    assert days == [
        (1, datetime(2024, 5, 31), datetime(2024, 6, 1), datetime(2024, 6, 1, 3, 59, 59, 999000, UTC)),
        (1, datetime(2024, 6, 1), datetime(2024, 6, 2), datetime(2024, 6, 2, 3, 59, 59, 999000, UTC)),
    ]


def test_windows_before_1970_close_with_the_input_in_any_zone() -> None:
    moments = [datetime(1969, 6, 1, 3, 30, tzinfo=UTC), datetime(1969, 6, 1, 4, 30, tzinfo=UTC)]
    days = zoned_windows(moments, 24 * HOUR, "America/New_York", [1, 2])
    assert [(count, start) for count, start, *_ in days] == [(1, datetime(1969, 5, 31)), (1, datetime(1969, 6, 1))]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=10))
def test_the_hour_that_comes_twice_is_one_window(cuts: list[int]) -> None:
    # New York set its clock back at 06:00 UTC on 3 November 2024.
    first = datetime(2024, 11, 3, 4, 0, tzinfo=UTC)
    moments = [first + timedelta(minutes=10 * step) for step in range(30)]
    hours = zoned_windows(moments, HOUR, "America/New_York", cuts)
    assert [(values[1].hour, values[0]) for values in hours] == [(0, 6), (1, 12), (2, 6), (3, 6)]


def test_a_row_whose_time_is_null_is_set_aside() -> None:
    relation = windowed(STAMPED, 10, 10)
    job = Job((Sink(relation, Table("out", (), (("connector", "blackhole"),))),))
    graph = started(job, Settings(), 1)
    events = [row(3), Event("t", ("a", 1, None, None, None, None)), row(4)]
    list(graph.run_pass(batches_between(graph, events, 0, 3)))
    assert [rejected.sequence for rejected in graph.take_rejected()] == [1]
    assert graph.take_rejected() == []
