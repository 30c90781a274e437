"""State that nobody writes to is forgotten after its time; a model with a clock of its own says what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from changelogs import Event, at, batches_between, call, run, scan, started
from hypothesis import given
from hypothesis import strategies as st

from riacho.dataflow.expressions import Settings
from riacho.dataflow.state import expiry
from riacho.host import ManualClock
from riacho.plan.relations import (
    Aggregate,
    Job,
    Join,
    JoinKind,
    Normalize,
    Relation,
    Sink,
    UpsertMaterialize,
    walk_relations,
)
from riacho.plan.tables import Table
from riacho.plan.types import BIGINT, INT, STRING
from riacho.sql.session import Session

TTL_MS = 100
FIRST_OF_CITY = """
SELECT city, visitor FROM (
  SELECT city, visitor, ROW_NUMBER() OVER (PARTITION BY city ORDER BY PROCTIME()) AS n FROM visits
) WHERE n = 1
"""
TOP_OF_CITY = """
SELECT city, visitor FROM (
  SELECT city, visitor, ROW_NUMBER() OVER (PARTITION BY city ORDER BY visitor) AS n FROM visits
) WHERE n <= 2
"""
BIDS = scan("bids", channel=STRING, price=INT)
COUNTS = Aggregate(BIDS, (0,), (call("COUNT", BIDS.schema, result=BIGINT.with_nullable(False)),), ("channel", "bids"))
USERS = scan("users", key=["id"], id=INT.with_nullable(False), city=STRING)
NORMALIZED = Normalize(USERS, (0,))
VISITS = scan("visits", city=STRING, visitor=STRING)
LAST_OF_CITY = UpsertMaterialize(VISITS, (0,))
LEFT, RIGHT = scan("left_rows", k=INT, a=INT), scan("right_rows", k=INT, b=INT)
INNER = Join(LEFT, RIGHT, JoinKind.INNER, (0,), (0,))
OUTER = Join(LEFT, RIGHT, JoinKind.LEFT, (0,), (0,))

Change = tuple[tuple[Any, ...], int]
Step = tuple[int, Event]


@dataclass
class Ticking:
    """Runs a query, an event a pass, with time passing before each, and a restart before some."""

    relation: Relation
    clock: ManualClock = field(default_factory=lambda: ManualClock(wall_ms=1_000))

    def changes(self, steps: Sequence[Step], restarts: Sequence[int] = ()) -> list[Change]:
        settings = Settings(clock=self.clock, state_ttl_ms=TTL_MS)
        job = Job((Sink(self.relation, Table("out", (), (("connector", "blackhole"),))),))
        graph = started(job, settings, 1)
        events = [event for _, event in steps]
        found: list[Change] = []
        for place, (wait, _) in enumerate(steps):
            self.clock.advance(wait)
            if place in restarts:
                snapshot = graph.snapshot()
                graph = started(job, settings, 1)
                graph.restore(snapshot)
            for outputs in graph.run_pass(batches_between(graph, events, place, place + 1)):
                for batch in outputs.values():
                    found += zip(batch.frame.rows(), batch.signs().tolist(), strict=True)
        return found


CHANGES = """
CREATE TABLE prices (city STRING, price INT) WITH ('connector' = 'kafka', 'topic' = 'p', 'format' = 'debezium-json');
"""
TOP_OF_CHANGES = """
SELECT city, price{number} FROM (
  SELECT city, price, {kind}() OVER (PARTITION BY city ORDER BY price) AS n FROM prices
) WHERE n <= 2
"""


waits = st.sampled_from([0, 1, 40, 60, 99, 100, 150])
bids = st.lists(st.tuples(waits, st.sampled_from("ab").map(lambda channel: Event("bids", (channel, 1)))), max_size=15)
upserts = st.lists(
    st.tuples(
        waits,
        st.builds(
            lambda user, city, gone: Event("users", (user, city), deleted=gone),
            st.integers(0, 2),
            st.sampled_from("xy"),
            st.booleans(),
        ),
    ),
    max_size=15,
)
visits = st.lists(
    st.tuples(waits, st.builds(lambda *row: Event("visits", row), st.sampled_from("xy"), st.sampled_from("mn"))),
    max_size=15,
)
joined = st.lists(
    st.tuples(
        waits,
        st.builds(
            lambda table, key, value: Event(table, (key, value)),
            st.sampled_from(["left_rows", "right_rows"]),
            st.integers(0, 1),
            st.integers(0, 1),
        ),
    ),
    max_size=12,
)
restarts = st.lists(st.integers(0, 15), max_size=3)


@given(bids, restarts)
def test_a_group_begins_anew_after_its_time(steps: list[Step], at: list[int]) -> None:
    expected: list[Change] = []
    groups: dict[str, tuple[int, int]] = {}
    now = 0
    for wait, event in steps:
        now += wait
        channel = event.values[0]
        count, written = groups.get(channel, (0, now))
        if now - written >= TTL_MS:
            count = 0
        expected += [((channel, count), -1)] if count else []
        expected.append(((channel, count + 1), 1))
        groups[channel] = (count + 1, now)

    assert Ticking(COUNTS).changes(steps, at) == expected


@given(upserts, restarts)
def test_an_upserted_row_is_new_after_its_time(steps: list[Step], at: list[int]) -> None:
    expected: list[Change] = []
    rows: dict[int, tuple[tuple[Any, ...], int]] = {}
    now = 0
    for wait, event in steps:
        now += wait
        user = event.values[0]
        old = rows.pop(user, None)
        if old is not None and now - old[1] >= TTL_MS:
            old = None
        if not event.deleted:
            rows[user] = (event.values, now)
        if old is not None and not event.deleted and old[0] == event.values:
            continue
        expected += [(old[0], -1)] if old is not None else []
        expected += [] if event.deleted else [(event.values, 1)]

    assert Ticking(NORMALIZED).changes(steps, at) == expected


@given(joined, restarts)
def test_a_row_meets_no_row_whose_time_is_over(steps: list[Step], at: list[int]) -> None:
    expected: Counter[tuple[Any, ...]] = Counter()
    rows: dict[str, list[tuple[tuple[Any, ...], int]]] = {"left_rows": [], "right_rows": []}
    now = 0
    for wait, event in steps:
        now += wait
        other = "right_rows" if event.table == "left_rows" else "left_rows"
        for row, written in rows[other]:
            if row[0] == event.values[0] and now - written < TTL_MS:
                pair = (*event.values, *row) if other == "right_rows" else (*row, *event.values)
                expected[pair] += 1
        rows[event.table].append((event.values, now))

    found: Counter[tuple[Any, ...]] = Counter()
    for row, sign in Ticking(INNER).changes(steps, at):
        found[row] += sign
    assert found == expected


@given(visits, restarts)
def test_a_primary_key_shows_nothing_of_before_its_time(steps: list[Step], at: list[int]) -> None:
    expected: list[Change] = []
    shown: dict[str, tuple[tuple[Any, ...], int]] = {}
    now = 0
    for wait, event in steps:
        now += wait
        city = event.values[0]
        old = shown.get(city)
        shown[city] = (event.values, now)
        if old is not None and now - old[1] < TTL_MS:
            if old[0] == event.values:
                continue
            expected.append((old[0], -1))
        expected.append((event.values, 1))

    assert Ticking(LAST_OF_CITY).changes(steps, at) == expected


@given(visits, restarts)
def test_a_deduplicated_key_is_new_after_its_time(steps: list[Step], at: list[int]) -> None:
    expected: list[Change] = []
    written: dict[str, int] = {}
    now = 0
    for wait, event in steps:
        now += wait
        city = event.values[0]
        if city not in written or now - written[city] >= TTL_MS:
            written[city] = now
            expected.append((event.values, 1))

    found = Ticking(query(FIRST_OF_CITY)).changes(steps, at)

    assert [(row[:2], sign) for row, sign in found] == expected


def query(text: str) -> Relation:
    session = Session()
    session.execute("CREATE TABLE visits (city STRING, visitor STRING) WITH ('connector' = 'kafka')")
    session.execute("CREATE TABLE cities (city STRING, country STRING) WITH ('connector' = 'kafka')")
    return session.query(text)


def test_hints_say_how_long_the_state_of_one_query_is_kept() -> None:
    grouped = query("SELECT /*+ STATE_TTL('visits' = '1 h') */ city, COUNT(*) FROM visits GROUP BY city")
    joined = query(
        "SELECT /*+ STATE_TTL('c' = '2 h') */ v.visitor, c.country FROM visits AS v JOIN cities AS c ON v.city = c.city"
    )

    assert [step.ttl_ms for step in walk_relations(grouped) if isinstance(step, Aggregate)] == [3_600_000]
    assert [step.ttls_ms for step in walk_relations(joined) if isinstance(step, Join)] == [(None, 7_200_000)]


def test_without_a_time_to_live_nothing_is_forgotten() -> None:
    events = [Event("bids", ("a", 1))] * 3

    assert run(COUNTS, events).total() == {("a", 3): 1}


@given(visits, restarts)
def test_a_partition_of_a_top_n_begins_anew_after_its_time(steps: list[Step], at: list[int]) -> None:
    expected: list[Change] = []
    partitions: dict[str, tuple[list[str], int]] = {}
    now = 0
    for wait, event in steps:
        now += wait
        city, visitor = event.values
        rows, written = partitions.get(city, ([], now))
        if now - written >= TTL_MS:
            rows = []
        after = sorted([*rows, visitor])[:2]
        if after != rows:
            partitions[city] = (after, now)
            left = Counter(rows) - Counter(after)
            expected += [((city, gone), -1) for gone in left.elements()]
            expected.append(((city, visitor), 1))
        elif rows:
            partitions[city] = (rows, written)

    assert Ticking(query(TOP_OF_CITY)).changes(steps, at) == expected


def test_a_key_whose_first_row_by_row_time_was_given_out_is_new_after_its_time() -> None:
    session = Session()
    session.execute(
        "CREATE TABLE calls (city STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka')"
    )
    first = session.query(
        "SELECT city, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY city ORDER BY ts) AS n FROM calls) AS t "
        "WHERE n = 1"
    )
    waits = [("a", 0, 0), ("a", 1, TTL_MS - 1), ("b", 2, 0), ("a", 3, 1), ("a", 4, 0)]
    steps = [(wait, Event("calls", (city, at(moment)))) for city, moment, wait in waits]

    assert Ticking(first).changes(steps, [1, 4]) == [
        ((city, at(moment)), 1) for city, moment in [("a", 0), ("b", 2), ("a", 3)]
    ]


def test_a_time_to_live_that_a_restart_brings_forgets_no_key_that_was_gone_before() -> None:
    clock = ManualClock(wall_ms=1_000)
    job = Job((Sink(NORMALIZED, Table("out", (), (("connector", "blackhole"),))),))
    events = [Event("users", (0, "x")), Event("users", (0, "x"), deleted=True)]
    events += [Event("users", (user, "x")) for user in (1, 2)]
    graph = started(job, Settings(clock=clock), 1)
    for place in range(2):
        list(graph.run_pass(batches_between(graph, events, place, place + 1)))
    snapshot = graph.snapshot()

    graph = started(job, Settings(clock=clock, state_ttl_ms=TTL_MS), 1)
    graph.restore(snapshot)
    clock.advance(TTL_MS)
    found: list[Change] = []
    for outputs in graph.run_pass(batches_between(graph, events, 2, 4)):
        for batch in outputs.values():
            found += zip(batch.frame.rows(), batch.signs().tolist(), strict=True)

    assert found == [((1, "x"), 1), ((2, "x"), 1)]


def test_silence_frees_state_a_part_at_a_time(monkeypatch: Any) -> None:
    monkeypatch.setattr(expiry, "SWEPT_SLOTS", 10)
    clock = ManualClock(wall_ms=1_000)
    settings = Settings(clock=clock, state_ttl_ms=TTL_MS)
    job = Job((Sink(COUNTS, Table("out", (), (("connector", "blackhole"),))),))
    graph = started(job, settings, 1)
    events = [Event("bids", (f"channel {number}", 1)) for number in range(25)]
    list(graph.run_pass(batches_between(graph, events, 0, 25)))
    live = []

    clock.advance(TTL_MS)
    for _ in range(4):
        (written,) = (array for name, array in graph.snapshot().items() if name.endswith("expiry.written"))
        live.append(int((written > 0).sum()))
        list(graph.run_pass({}))

    assert live == [25, 15, 5, 0]


def test_a_forgotten_right_row_leaves_what_it_was_joined_to() -> None:
    steps = [
        (0, Event("left_rows", (1, 1))),
        (0, Event("right_rows", (1, 7))),
        (TTL_MS, Event("left_rows", (2, 2))),
    ]

    assert Ticking(OUTER).changes(steps) == [
        ((1, 1, None, None), 1),
        ((1, 1, None, None), -1),
        ((1, 1, 1, 7), 1),
        ((2, 2, None, None), 1),
    ]


def test_the_values_that_a_forgotten_group_had_counted_are_forgotten_with_it() -> None:
    distinct = call("COUNT", BIDS.schema, "price", BIGINT.with_nullable(False), distinct=True)
    relation = Aggregate(BIDS, (0,), (distinct,), ("channel", "prices"))
    steps = [(0, Event("bids", ("a", 1))), (1, Event("bids", ("a", 2))), (2 * TTL_MS, Event("bids", ("a", 1)))]
    assert Ticking(relation).changes(steps)[-1] == (("a", 1), 1)


def top_of_changes(kind: str, number: str) -> Ticking:
    session = Session()
    session.execute(CHANGES)
    return Ticking(session.query(TOP_OF_CHANGES.format(kind=kind, number=number)))


def price(city: str, value: int, *, gone: bool = False) -> Event:
    return Event("prices", (city, value), deleted=gone)


@pytest.mark.parametrize("kind", ["ROW_NUMBER", "RANK"])
def test_the_top_of_changing_rows_forgets_a_partition_after_its_time(kind: str) -> None:
    steps = [
        (0, price("x", 1)),
        (0, price("x", 2)),
        (0, price("x", 3)),
        (60, price("y", 5)),
        (60, price("x", 1, gone=True)),
        (0, price("x", 9)),
        (0, price("y", 5, gone=True)),
        (99, price("x", 9, gone=True)),
    ]
    for restarts in ([], [4], [5, 7]):
        assert top_of_changes(kind, "").changes(steps, restarts) == [
            (("x", 1), 1),
            (("x", 2), 1),
            (("y", 5), 1),
            (("x", 9), 1),  # what was forgotten is neither taken back nor counted
            (("y", 5), -1),
            (("x", 9), -1),
        ]


@given(st.lists(st.tuples(waits, st.sampled_from("xy"), st.integers(0, 3), st.booleans()), max_size=20), restarts)
def test_the_top_of_changing_rows_is_that_of_those_not_forgotten(
    moves: list[tuple[int, str, int, bool]], at: list[int]
) -> None:
    steps, now = [], 0
    kept: dict[str, tuple[int, Counter[int]]] = {}
    expected: Counter[Any] = Counter()
    for wait, city, value, gone in moves:
        now += wait
        written, rows = kept.get(city, (now, Counter()))
        if now - written >= TTL_MS:
            rows = Counter()
        before = [(city, each, place) for place, each in enumerate(sorted(rows.elements())[:2], 1)]
        if gone and not rows[value]:
            gone = False
        rows[value] += -1 if gone else 1
        kept[city] = (now, +rows)
        after = [(city, each, place) for place, each in enumerate(sorted(kept[city][1].elements())[:2], 1)]
        expected.subtract(Counter(before))
        expected.update(Counter(after))
        steps.append((wait, price(city, value, gone=gone)))
    found: Counter[Any] = Counter()
    for row, sign in top_of_changes("ROW_NUMBER", ", n").changes(steps, at):
        found[row] += sign
    assert {row: count for row, count in found.items() if count} == {
        row: count for row, count in expected.items() if count
    }


VERSIONS = """
CREATE TABLE l (id INT, k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json');
CREATE TABLE r (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
CREATE VIEW latest AS SELECT k, v, ts
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS n FROM r) AS t WHERE n = 1;
"""


def versions() -> Ticking:
    session = Session()
    session.execute(VERSIONS)
    query = "SELECT l.id, q.v FROM l LEFT JOIN latest FOR SYSTEM_TIME AS OF l.ts AS q ON l.k = q.k"
    return Ticking(session.query(query))


@pytest.mark.parametrize("restarts", [[], [3], [2, 4]])
def test_a_temporal_join_forgets_the_versions_of_a_key_after_its_time(restarts: list[int]) -> None:
    steps = [
        (0, Event("r", ("x", 1, at(0)))),
        (0, Event("l", (1, "x", at(0)))),
        (60, Event("r", ("y", 2, at(10)))),
        (60, Event("l", (2, "x", at(10)))),
        (0, Event("l", (3, "y", at(10)))),
    ]
    assert versions().changes(steps, restarts) == [((1, 1), 1), ((2, None), 1), ((3, 2), 1)]


def test_a_temporal_join_forgets_the_rows_that_wait_too_long() -> None:
    steps = [
        (0, Event("r", ("x", 1, at(0)))),
        (0, Event("l", (1, "x", at(20)))),
        (150, Event("r", ("y", 1, at(30)))),
        (0, Event("l", (2, "y", at(30)))),
    ]
    assert versions().changes(steps, [3]) == [((2, 1), 1)]


@pytest.mark.parametrize(("wait", "found"), [(99, None), (150, 2)])
def test_a_versioned_view_takes_an_older_row_once_it_has_forgotten_the_newer(wait: int, found: int | None) -> None:
    steps = [
        (0, Event("r", ("x", 1, at(50)))),
        (wait, Event("r", ("x", 2, at(20)))),
        (0, Event("l", (1, "x", at(30)))),
    ]
    assert versions().changes(steps, [2]) == [((1, found), 1)]
