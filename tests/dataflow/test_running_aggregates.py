"""GROUP BY without windows: any cut of the input gives DuckDB's answer, over rows added and over rows changed."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import oracle
from changelogs import Event, call, run, scan
from event_streams import Stream, cut, table_after
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.plan.expressions import AggregateCall
from riacho.plan.relations import Aggregate, Normalize, Relation, Scan
from riacho.plan.types import BIGINT, BOOLEAN, DOUBLE, INT, STRING, TINYINT, DecimalType

COLUMNS = {
    "id": BIGINT,
    "k": STRING,
    "j": INT,
    "v": BIGINT,
    "small": TINYINT,
    "x": DOUBLE,
    "s": STRING,
    "d": DecimalType(10, 2),
    "wide": DecimalType(30, 3),
    "open": BOOLEAN,
}
ADDED = scan("t", **COLUMNS)
UPSERTED = scan("t", key=("id",), **COLUMNS)

texts = st.sampled_from(["", "a", "b", "a string longer than twelve bytes", "a string longer than twelve bytez"])
columns = st.tuples(
    st.none() | texts,
    st.none() | st.integers(0, 2),
    st.none() | st.integers(-3, 3) | st.sampled_from([2**63 - 1, -(2**63)]),
    st.none() | st.integers(-128, 127),
    st.none() | st.sampled_from([0.1, 1.5, -2.25, 1e6, math.inf, -math.inf, math.nan]),
    st.none() | texts,
    st.none() | st.decimals(-99, 99, places=2),
    st.none() | st.sampled_from([Decimal("0.001"), Decimal("-123456789012345678901234567.125"), Decimal("7.5")]),
    st.none() | st.booleans(),
)


@st.composite
def streams(draw: st.DrawFn, *, changing: bool = False) -> Stream:
    events = []
    for number in range(draw(st.integers(1, 40))):
        identity = draw(st.integers(0, 5)) if changing else number
        deleted = changing and draw(st.integers(0, 3)) == 0
        values = (None,) * 9 if deleted else draw(columns)
        events.append(Event("t", (identity, *values), deleted=deleted))
    return cut(draw, events, most_cuts=5)


def calls_over(relation: Relation) -> tuple[AggregateCall, ...]:
    schema = relation.schema
    return (
        call("COUNT", schema),
        call("COUNT", schema, "v"),
        call("SUM", schema, "v"),
        call("AVG", schema, "v"),
        call("MIN", schema, "v"),
        call("MAX", schema, "v"),
        call("SUM", schema, "small", TINYINT),
        call("AVG", schema, "small", TINYINT),
        call("SUM", schema, "x", DOUBLE),
        call("AVG", schema, "x", DOUBLE),
        call("MIN", schema, "x", DOUBLE),
        call("MAX", schema, "x", DOUBLE),
        call("MIN", schema, "s", STRING),
        call("MAX", schema, "s", STRING),
        call("COUNT", schema, "s", distinct=True),
        call("COUNT", schema, "v", distinct=True, filter="open"),
        call("SUM", schema, "small", TINYINT, distinct=True),
        call("COUNT", schema, filter="open"),
        call("MAX", schema, "v", filter="open"),
        call("SUM", schema, "d", DecimalType(38, 2)),
        call("AVG", schema, "d", DecimalType(38, 6)),
        call("SUM", schema, "wide", DecimalType(38, 3)),
        call("MAX", schema, "wide", DecimalType(30, 3)),
    )


def assert_equals_duckdb(source: Scan, keys: tuple[str, ...], stream: Stream) -> None:
    changing = bool(source.table.primary_key)
    events, cuts, restarts = stream
    below: Relation = Normalize(source, (0,)) if changing else source
    schema = below.schema
    calls = calls_over(below)
    names = (*keys, *(f"c{place}" for place in range(len(calls))))
    relation = Aggregate(below, tuple(schema.index(key) for key in keys), calls, names)

    def compare(prefix: int, outcome: Any) -> None:
        oracle.load("t", schema, table_after(events[:prefix], "t", changing=changing))
        assert outcome.total() == oracle.grouped("t", keys, calls)

    run(relation, events, cuts, restart_at=restarts, observe=compare)


@settings(max_examples=20, deadline=None)
@given(streams())
def test_groups_of_added_rows_are_those_of_the_batch_at_every_prefix(stream: Any) -> None:
    assert_equals_duckdb(ADDED, ("k", "j"), stream)


@settings(max_examples=15, deadline=None)
@given(streams())
def test_a_global_aggregate_has_no_row_before_the_first_input(stream: Any) -> None:
    assert_equals_duckdb(ADDED, (), stream)


@settings(max_examples=15, deadline=None)
@given(streams(changing=True))
def test_groups_of_changing_rows_are_those_of_the_batch_at_every_prefix(stream: Any) -> None:
    assert_equals_duckdb(UPSERTED, ("k",), stream)


@settings(max_examples=15, deadline=None)
@given(streams(changing=True))
def test_a_global_aggregate_over_changing_rows_is_that_of_the_batch(stream: Any) -> None:
    assert_equals_duckdb(UPSERTED, (), stream)


@settings(max_examples=15, deadline=None)
@given(streams(changing=True))
def test_distinct_over_changing_rows_has_each_row_once(stream: Any) -> None:
    events, cuts, restarts = stream
    below = Normalize(UPSERTED, (0,))
    relation = Aggregate(below, (1, 2), (), ("k", "j"))

    def compare(prefix: int, outcome: Any) -> None:
        oracle.load("t", below.schema, table_after(events[:prefix], "t", changing=True))
        assert outcome.total() == oracle.query("SELECT DISTINCT k, j FROM t")

    run(relation, events, cuts, restart_at=restarts, observe=compare)


@settings(max_examples=15, deadline=None)
@given(streams())
def test_distinct_over_added_rows_only_adds_in_order_of_first_appearance(stream: Any) -> None:
    events, cuts, restarts = stream
    outcome = run(Aggregate(ADDED, (1, 2), (), ("k", "j")), events, cuts, restart_at=restarts)
    expected = list(dict.fromkeys(event.values[1:3] for event in events))
    assert outcome.changes == [(row, 1) for row in expected]


@settings(max_examples=20, deadline=None)
@given(streams(changing=True))
def test_an_aggregate_of_an_aggregate_follows_its_changes(stream: Any) -> None:
    events, cuts, restarts = stream
    below = Normalize(UPSERTED, (0,))
    inner = Aggregate(below, (1,), (call("COUNT", below.schema), call("MAX", below.schema, "v")), ("k", "n", "top"))
    calls = (call("COUNT", inner.schema), call("MAX", inner.schema, "n"), call("MIN", inner.schema, "top"))
    outer = Aggregate(inner, (), calls, ("groups", "largest", "lowest"))

    def compare(prefix: int, outcome: Any) -> None:
        oracle.load("t", below.schema, table_after(events[:prefix], "t", changing=True))
        expected = oracle.query(
            "SELECT count(*), max(n), min(top) FROM (SELECT k, count(*) n, max(v) top FROM t GROUP BY k) "
            "HAVING count(*) > 0"
        )
        assert outcome.total() == expected

    run(outer, events, cuts, restart_at=restarts, observe=compare)


def test_a_group_whose_row_stays_the_same_emits_nothing() -> None:
    relation = Aggregate(ADDED, (1,), (call("MAX", ADDED.schema, "v"),), ("k", "top"))
    low, high = (Event("t", (0, "a", None, v, *(None,) * 6)) for v in (1, 2))
    outcome = run(relation, [high, low, high], [1, 2])
    assert outcome.passes[1:3] == [[], []]


def test_the_old_row_comes_before_the_new_one() -> None:
    relation = Aggregate(ADDED, (1,), (call("COUNT", ADDED.schema),), ("k", "n"))
    event = Event("t", (0, "a", *(None,) * 8))
    outcome = run(relation, [event, event], [1])
    assert outcome.changes == [(("a", 1), 1), (("a", 1), -1), (("a", 2), 1)]


def test_negative_zero_is_a_group_of_its_own_and_nan_equals_nan() -> None:
    relation = Aggregate(ADDED, (5,), (call("COUNT", ADDED.schema),), ("x", "n"))
    values = [0.0, -0.0, math.nan, float("nan"), None]
    events = [Event("t", (0, None, None, None, None, x, *(None,) * 4)) for x in values]
    outcome = run(relation, events)
    assert [(str(x), n) for (x, n), _ in outcome.changes] == [("0.0", 1), ("-0.0", 1), ("nan", 2), ("None", 1)]


def test_a_retracted_nan_and_a_retracted_huge_value_leave_no_trace_in_a_sum() -> None:
    below = Normalize(UPSERTED, (0,))
    relation = Aggregate(below, (), (call("SUM", below.schema, "x", DOUBLE),), ("total",))

    def row(identity: int, x: float) -> Event:
        return Event("t", (identity, None, None, None, None, x, *(None,) * 4))

    events = [row(1, 0.1), row(2, math.nan), row(3, 1e18), row(2, math.inf), row(2, 0.2), row(3, 0.3)]
    outcome = run(relation, events, range(len(events)))
    assert list(outcome.total()) == [(0.6,)]
