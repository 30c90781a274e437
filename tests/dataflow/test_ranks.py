"""Top-N, deduplication and LIMIT: any cut of the input gives DuckDB's answer at every prefix."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import oracle
import pytest
from changelogs import Event, at, run
from event_streams import Stream, cut, out_of_order, table_after
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from riacho.dataflow.state import fronts
from riacho.plan.relations import Deduplicate, Rank, Relation, walk_relations
from riacho.sql.session import Session

DDL = """
CREATE TABLE a (id BIGINT, k STRING, j INT, v DECIMAL(20, 2), f DOUBLE, ts TIMESTAMP(3), p AS PROCTIME(),
    WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'kafka');
CREATE TABLE b (id BIGINT, k STRING, j INT, v DECIMAL(20, 2), f DOUBLE, ts TIMESTAMP(3),
    WATERMARK FOR ts AS ts - INTERVAL '0.003' SECOND) WITH ('connector' = 'kafka');
CREATE TABLE u (id BIGINT, k STRING, j INT, v DECIMAL(20, 2), f DOUBLE, ts TIMESTAMP(3),
    PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka');
"""
LATENESS = timedelta(milliseconds=3)
COLUMNS = "id, k, j, v, f, ts"

values = st.tuples(
    st.none() | st.sampled_from(["", "x", "xy", "a string longer than twelve bytes", "a string longer than 12"]),
    st.none() | st.integers(0, 2),
    st.none() | st.integers(-2, 2).map(lambda n: n * 1_000_000_000_000_000),
    st.none() | st.sampled_from([1.5, float("nan"), float("inf"), -2.0]),
    st.integers(0, 4).map(at),
)


def plan(query: str) -> Relation:
    session = Session()
    session.execute(DDL)
    return session.query(query)


@st.composite
def streams(draw: st.DrawFn, table: str) -> Stream:
    events = []
    for number in range(draw(st.integers(1, 25) | st.integers(25, 60))):
        deleted = table == "u" and draw(st.integers(0, 3)) == 0
        identity = draw(st.integers(0, 9)) if table == "u" else number
        row = (None,) * 5 if deleted else draw(values)
        events.append(Event(table, (identity, *row), deleted=deleted))
    return cut(draw, events)


@st.composite
def orders(draw: st.DrawFn) -> tuple[str, str]:
    """An ORDER BY, and the same with what Flink says of nulls."""
    ours, theirs = [], []
    for column in draw(st.lists(st.sampled_from(["k", "j", "v", "f", "ts"]), min_size=1, max_size=3, unique=True)):
        descending = draw(st.booleans())
        nulls = draw(st.sampled_from([None, "FIRST", "LAST"]))
        key = f"{column}{' DESC' if descending else ''}"
        ours.append(key + (f" NULLS {nulls}" if nulls else ""))
        theirs.append(f"{key} NULLS {nulls or ('LAST' if descending else 'FIRST')}")
    return ", ".join(ours), ", ".join(theirs)


RANGES = ["n <= 1", "n < 4", "n = 2", "3 >= n", "n BETWEEN 2 AND 3", "n > 1 AND n <= 5", "n <= 40", "n <= 2 AND j > 0"]
PARTITIONS = ["", "PARTITION BY k ", "PARTITION BY k, j ", "PARTITION BY f "]


def answer(query: str, table: str, events: list[Event]) -> Counter[tuple[Any, ...]]:
    schema = plan(f"SELECT {COLUMNS} FROM {table}").schema
    oracle.load(table, schema, table_after(events, table, changing=table == "u"))
    return oracle.query(query)


def check(query: str, theirs: str, table: str, stream: Stream) -> None:
    events, cuts, restarts = stream

    def compare(prefix: int, outcome: Any) -> None:
        assert outcome.total() == answer(theirs, table, events[:prefix])

    run(plan(query), events, cuts, restart_at=restarts, observe=compare)


@pytest.mark.parametrize("table", ["a", "u"])
@pytest.mark.parametrize("function", ["ROW_NUMBER", "RANK", "DENSE_RANK"])
@settings(max_examples=25, deadline=None)
@given(data=st.data(), partition=st.sampled_from(PARTITIONS), condition=st.sampled_from(RANGES), order=orders())
def test_a_top_n_is_that_of_the_batch_at_every_prefix(
    data: st.DataObject, table: str, function: str, partition: str, condition: str, order: tuple[str, str]
) -> None:
    columns = data.draw(st.sampled_from(["id, k, j, v, f", "id, k, n", "n, j", "id"]))
    # Where rows are equal in the order, ROW_NUMBER counts them by arrival: by id over rows that are only added.
    ours, theirs = order
    if function == "ROW_NUMBER":
        theirs += ", id"
        ours += ", id" if table == "u" else ""
    query, expected = (
        f"SELECT {columns} FROM (SELECT *, {function}() OVER ({partition}ORDER BY {keys}) AS n FROM {table}) AS t "
        f"WHERE {condition}"
        for keys in (ours, theirs)
    )
    # The first rows by the row time alone are a deduplication, which waits for the watermark.
    assume(any(isinstance(step, Rank) for step in walk_relations(plan(query))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fronts, "FRONT_ROWS", data.draw(st.sampled_from([1, 4096])))
        check(query, expected, table, data.draw(streams(table)))


@settings(max_examples=30, deadline=None)
@given(stream=streams("a"), ends=st.tuples(st.integers(1, 3), st.integers(1, 3)))
def test_a_top_n_follows_what_another_takes_back(stream: Any, ends: tuple[int, int]) -> None:
    first, second = ends
    query = (
        "SELECT k, c, n FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY c DESC, k NULLS FIRST) AS n FROM ("
        "SELECT k, COUNT(*) AS c FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY j ORDER BY v NULLS FIRST, id) AS m "
        f"FROM a) AS t WHERE m <= {first} GROUP BY k) AS g) AS r WHERE n <= {second}"
    )
    check(query, query, "a", stream)


@pytest.mark.parametrize(("time", "direction"), [("ts", "DESC"), ("p", "ASC"), ("p", "DESC")])
@settings(max_examples=25, deadline=None)
@given(
    stream=streams("a"), key=st.sampled_from(["k", "k, j", "f", "v"]), columns=st.sampled_from(["id, k, j, v, f", "j"])
)
def test_a_deduplication_is_that_of_the_batch_at_every_prefix(
    stream: Any, key: str, columns: str, time: str, direction: str
) -> None:
    # Of equal times the first to arrive is the first, and the last the last.
    theirs = f"ts {direction}, id {direction}" if time == "ts" else f"id {direction}"
    query, expected = (
        f"SELECT {columns} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {order}) AS n FROM a) AS t "
        "WHERE n = 1"
        for order in (f"{time} {direction}", theirs)
    )
    assert any(isinstance(step, Deduplicate) for step in walk_relations(plan(query)))
    check(query, expected, "a", stream)


@settings(max_examples=50, deadline=None)
@given(
    stream=out_of_order(values.map(lambda row: (0, *row[:4])), late_ms=6, tables=("b",), splits=1),
    key=st.sampled_from(["k", "j", "k, j"]),
)
def test_the_first_row_by_row_time_comes_out_once_the_watermark_has_reached_it(stream: Any, key: str) -> None:
    events, cuts, restarts = stream
    relation = plan(
        f"SELECT {key}, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY ts) AS n FROM b) AS t "
        "WHERE n = 1"
    )
    outcome = run(relation, events, cuts, restart_at=restarts)
    waiting: dict[Any, Any] = {}
    expected, late, done = [], 0, set()
    watermark = None
    for event in events:
        _, k, j, v, _, ts = event.values
        group = {"k": (k,), "j": (j,), "k, j": (k, j)}[key]
        if watermark is not None and ts < watermark:
            late += 1
        elif group not in done and (group not in waiting or ts < waiting[group][1]):
            waiting[group] = (v, ts)
        if watermark is None or ts - LATENESS > watermark:
            watermark = ts - LATENESS
            due = [each for each, (_, time) in waiting.items() if time <= watermark]
            for each in sorted(due, key=lambda each: waiting[each][1]):
                expected.append((*each, *waiting.pop(each)))
                done.add(each)
    expected += [(*each, *row) for each, row in waiting.items()]
    assert outcome.late == late
    assert Counter(outcome.changes) == Counter((row, 1) for row in expected)


def test_rows_that_are_equal_in_the_order_are_numbered_as_they_came() -> None:
    query = "SELECT id, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY j) AS n FROM a) WHERE n <= 2"
    events = [Event("a", (number, "x", 1, None, None, at(0))) for number in range(4)]
    assert run(plan(query), events, [1, 2, 3]).total() == Counter({(0, 1): 1, (1, 2): 1})


def test_only_rows_whose_number_changed_are_emitted() -> None:
    query = "SELECT id, n FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY j) AS n FROM a) WHERE n <= 3"
    events = [Event("a", (j, "x", j, None, None, at(0))) for j in (1, 3, 5, 4)]
    outcome = run(plan(query), events, [3])
    assert outcome.passes[1] == [((5, 3), -1), ((4, 3), 1)]


def test_a_row_that_comes_and_goes_within_a_pass_is_never_seen() -> None:
    query = "SELECT id FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY j DESC) AS n FROM a) WHERE n <= 1"
    events = [Event("a", (j, "x", j, None, None, at(0))) for j in (1, 2, 3)]
    assert run(plan(query), events, []).changes == [((3,), 1)]


LIMITS = ["LIMIT 3", "LIMIT 2 OFFSET 1", "FETCH FIRST ROW ONLY", "OFFSET 2 ROWS FETCH NEXT 2 ROWS ONLY", "LIMIT 0"]


@pytest.mark.parametrize("table", ["a", "u"])
@settings(max_examples=25, deadline=None)
@given(data=st.data(), order=orders(), limit=st.sampled_from(LIMITS), nested=st.booleans())
def test_the_first_rows_of_an_order_are_those_of_the_batch_at_every_prefix(
    data: st.DataObject, table: str, order: tuple[str, str], limit: str, nested: bool
) -> None:
    query, theirs = (f"SELECT id, v + 1 AS w FROM {table} ORDER BY {keys}, id {limit}" for keys in order)
    theirs = theirs.replace("FIRST ROW ONLY", "FIRST 1 ROW ONLY")
    if nested:
        query, theirs = (f"SELECT COUNT(*) AS c, w FROM ({text}) AS t GROUP BY w" for text in (query, theirs))
    check(query, theirs, table, data.draw(streams(table)))


@settings(max_examples=25, deadline=None)
@given(stream=streams("a"), limit=st.sampled_from(LIMITS))
def test_without_an_order_the_first_arrivals_are_the_first(stream: Any, limit: str) -> None:
    query = f"SELECT id, k FROM a {limit}"
    check(query, f"SELECT id, k FROM a ORDER BY id {limit.replace('FIRST ROW', 'FIRST 1 ROW')}", "a", stream)
    assert "-1" not in str([change[1] for change in run(plan(query), *stream[:2]).changes])


@settings(max_examples=40, deadline=None)
@given(stream=out_of_order(values.map(lambda row: (0, *row[:4])), late_ms=6, tables=("b",), splits=1))
def test_a_stream_sorted_by_time_gives_the_rows_that_came_in_time_in_order(stream: Any) -> None:
    events, cuts, restarts = stream
    relation = plan("SELECT k, j, ts FROM b ORDER BY ts, j DESC, k")
    outcome = run(relation, events, cuts, restart_at=restarts)
    given_out = [row for row, _ in outcome.changes]
    watermark, kept = None, []
    for event in events:
        _, k, j, _, _, ts = event.values
        if watermark is None or ts > watermark:
            kept.append((k, j, ts))
        watermark = max(watermark or ts - LATENESS, ts - LATENESS)
    kept.sort(key=lambda row: (row[2], (row[1] is None, -(row[1] or 0)), (row[0] is not None, row[0] or "")))
    assert given_out == kept
    assert outcome.late == len(events) - len(kept)
