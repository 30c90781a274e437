"""Interval joins: rows that are near in time meet, however the input is cut, and are forgotten when none can come."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from changelogs import Event, at, comparable, run, scan
from event_streams import Stream, cut
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK
from riacho.plan.changelog import is_updating
from riacho.plan.expressions import Call
from riacho.plan.relations import Interval, Join, JoinKind, Relation, TimeAttribute, Watermark
from riacho.plan.types import BIGINT, BOOLEAN, STRING, TIMESTAMP_3
from riacho.sql.session import Session

KINDS = [JoinKind.INNER, JoinKind.LEFT, JoinKind.RIGHT, JoinKind.FULL]
LATE = 10
"""Milliseconds by which a row may be behind those before it. The watermark allows for none of it."""


def side(name: str) -> Relation:
    source = scan(name, k=STRING, v=BIGINT, ts=TIMESTAMP_3)
    return Watermark(source, 2, source.schema.column(2))


def joined(kind: JoinKind, lower: int, upper: int, *, residual: bool) -> Join:
    join = Join(side("a"), side("b"), kind, (0,), (0,), time=Interval(2, 2, lower, upper))
    return replace(join, residual=Call(BOOLEAN, "<=", (join.pair.column(1), join.pair.column(4)))) if residual else join


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    clock, events = 0, []
    for _ in range(draw(st.integers(1, 30))):
        clock += draw(st.integers(0, 6))
        moment = None if draw(st.integers(0, 15)) == 0 else at(clock - draw(st.integers(0, LATE)))
        key = draw(st.none() | st.sampled_from(["x", "a string longer than twelve bytes"]))
        events.append(Event(draw(st.sampled_from("ab")), (key, draw(st.integers(0, 2)), moment)))
    return cut(draw, events)


class Model:
    """The same join, a row at a time."""

    def __init__(self, join: Join) -> None:
        assert isinstance(join.time, Interval)
        self._join, self._interval = join, join.time
        self._kept = (-join.time.lower, join.time.upper)
        self._rows: tuple[list[list[Any]], list[list[Any]]] = ([], [])
        self._tops = [NO_WATERMARK, NO_WATERMARK]
        self.total: Counter[tuple[Any, ...]] = Counter()

    def take(self, event: Event) -> None:
        number = "ab".index(event.table)
        key, _, moment = event.values
        time = None if moment is None else round((moment - at(0)).total_seconds() * 1000)
        seen = min(self._tops)
        row = [event.values, key, time, False]
        for other in self._rows[1 - number]:
            if time is None or other[2] is None or key is None or key != other[1]:
                continue
            left, right = (row, other) if number == 0 else (other, row)
            near = self._interval.lower <= left[2] - right[2] <= self._interval.upper
            holds = self._join.residual is None or left[0][1] <= right[0][1]
            if near and holds and other[2] + self._kept[1 - number] >= seen:
                self.total[comparable(left[0] + right[0])] += 1
                row[3] = other[3] = True
        self._rows[number].append(row)
        if time is not None:
            self._tops[number] = max(self._tops[number], time)
        self.forget(min(self._tops))

    def forget(self, watermark: float) -> None:
        keeps = (self._join.kind.keeps_left, self._join.kind.keeps_right)
        for number, rows in enumerate(self._rows):
            gone = [row for row in rows if self._is_over(number, row, watermark)]
            rows[:] = [row for row in rows if row not in gone]
            for row in gone:
                if keeps[number] and not row[3]:
                    nothing = (None,) * 3
                    self.total[comparable(row[0] + nothing if number == 0 else nothing + row[0])] += 1

    def _is_over(self, number: int, row: list[Any], watermark: float) -> bool:
        if row[2] is None:
            return watermark > NO_WATERMARK
        return bool(row[2] + self._kept[number] < watermark)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.value.lower() for kind in KINDS])
@settings(max_examples=40, deadline=None)
@given(stream=streams(), bounds=st.tuples(st.integers(-8, 4), st.integers(0, 8)), residual=st.booleans())
def test_an_interval_join_is_that_of_single_rows_after_every_pass(
    kind: JoinKind, stream: Any, bounds: tuple[int, int], residual: bool
) -> None:
    events, cuts, restarts = stream
    join = joined(kind, bounds[0], bounds[0] + bounds[1], residual=residual)
    model = Model(join)
    done = 0

    def compare(prefix: int, outcome: Any) -> None:
        nonlocal done
        for event in events[done:prefix]:
            model.take(event)
        done = prefix
        assert outcome.total() == +model.total

    outcome = run(join, events, cuts, restart_at=restarts, observe=compare)
    model.forget(END_OF_TIME)
    assert outcome.total() == +model.total


TABLES = """
CREATE TABLE l (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE r (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE u (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka');
"""
HOUR = 3_600_000
BOUNDS = {
    "l.ts BETWEEN r.ts - INTERVAL '1' HOUR AND r.ts + INTERVAL '2' HOUR": (-HOUR, 2 * HOUR),
    "r.ts BETWEEN l.ts AND l.ts + INTERVAL '1' HOUR": (-HOUR, 0),
    "l.ts >= r.ts AND l.ts < r.ts + INTERVAL '1' HOUR": (0, HOUR - 1),
    "r.ts > l.ts - INTERVAL '1' HOUR AND r.ts + INTERVAL '1' HOUR >= l.ts AND l.ts >= r.ts": (0, HOUR - 1),
    "l.ts = r.ts": (0, 0),
}


def the_join(query: str) -> Join:
    session = Session()
    session.execute(TABLES)
    relation = session.query(query)
    while not isinstance(relation, Join):
        (relation,) = relation.inputs
    return relation


@pytest.mark.parametrize("condition", BOUNDS)
def test_a_condition_on_both_row_times_makes_an_interval(condition: str) -> None:
    for clause in ("FROM l JOIN r ON", "FROM l, r WHERE"):
        join = the_join(f"SELECT * {clause} l.k = r.k AND {condition}")
        assert isinstance(join.time, Interval)
        assert (join.time.lower, join.time.upper) == BOUNDS[condition]
        assert not is_updating(replace(join, kind=JoinKind.FULL))
        assert [item.time for item in join.schema].count(TimeAttribute.ROWTIME) == 2


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM l JOIN r ON l.k = r.k AND l.ts > r.ts",
        "SELECT * FROM l JOIN u ON l.k = u.k AND l.ts = u.ts",
        "SELECT * FROM l JOIN r ON l.k = r.k AND l.ts BETWEEN r.ts - INTERVAL '1' MONTH AND r.ts",
    ],
)
def test_other_conditions_leave_a_regular_join(query: str) -> None:
    assert the_join(query).time is None
