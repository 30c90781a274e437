"""Temporal joins by row time: each row meets the version that stood at its time, however the input is cut."""

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
from riacho.plan.expressions import Call
from riacho.plan.relations import Join, JoinKind, Normalize, Relation, TimeAttribute, Versions, Watermark
from riacho.plan.types import BIGINT, BOOLEAN, STRING, TIMESTAMP_3
from riacho.sql.session import Session

LATE = 10
"""Milliseconds by which a row may be behind those before it. The watermark allows for none of it."""


def joined(kind: JoinKind, *, residual: bool) -> Join:
    left = scan("a", k=STRING, v=BIGINT, ts=TIMESTAMP_3)
    right = Normalize(scan("b", key=("k",), k=STRING, v=BIGINT, ts=TIMESTAMP_3), (0,))
    sides = (Watermark(part, 2, part.schema.column(2)) for part in (left, right))
    join = Join(*sides, kind, (0,), (0,), time=Versions(2, 2))
    return replace(join, residual=Call(BOOLEAN, "<=", (join.pair.column(1), join.pair.column(4)))) if residual else join


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    clock, events = 0, []
    for _ in range(draw(st.integers(1, 35))):
        clock += draw(st.integers(0, 6))
        moment = at(clock - draw(st.integers(0, LATE)))
        key = draw(st.sampled_from(["x", "a string longer than twelve bytes"]))
        if draw(st.booleans()):
            lost = draw(st.integers(0, 12)) == 0
            events.append(Event("a", (None if lost else key, draw(st.integers(0, 2)), None if lost else moment)))
        elif draw(st.integers(0, 4)) == 0:
            events.append(Event("b", (key, None, None), deleted=True))
        else:
            events.append(Event("b", (key, draw(st.integers(0, 2)), moment)))
    return cut(draw, events)


class Model:
    """The same join, a row at a time."""

    def __init__(self, join: Join) -> None:
        self._join = join
        self._tops = [NO_WATERMARK, NO_WATERMARK]
        self._current: dict[Any, tuple[Any, ...]] = {}
        self._versions: list[tuple[int, int, tuple[Any, ...] | None, Any]] = []
        self._held: list[tuple[tuple[Any, ...], int, int]] = []
        self._count = 0
        self.total: Counter[tuple[Any, ...]] = Counter()

    def take(self, event: Event) -> None:
        self._count += 1
        key = event.values[0]
        if event.table == "a":
            self._held.append((event.values, self._count, min(self._tops)))
            if event.values[2] is not None:
                self._tops[0] = max(self._tops[0], milliseconds(event.values[2]))
        elif event.deleted:
            if key in self._current:
                gone = self._current.pop(key)
                self._versions.append((milliseconds(gone[2]), self._count, None, key))
        elif self._current.get(key) != event.values:
            self._current[key] = event.values
            self._versions.append((milliseconds(event.values[2]), self._count, event.values, key))
            self._tops[1] = max(self._tops[1], milliseconds(event.values[2]))
        self.pass_watermark(min(self._tops))

    def pass_watermark(self, watermark: int) -> None:
        due = [held for held in self._held if watermark > NO_WATERMARK and time_of(held[0]) <= watermark]
        self._held = [held for held in self._held if held not in due]
        for row, _, seen in due:
            found = self._standing(row, seen)
            if found is not None and self._join.residual is not None and not row[1] <= found[1]:
                found = None
            if found is not None:
                self.total[comparable(row + found)] += 1
            elif self._join.kind is JoinKind.LEFT:
                self.total[comparable(row + (None,) * 3)] += 1

    def _standing(self, row: tuple[Any, ...], seen: int) -> tuple[Any, ...] | None:
        mine = [version for version in self._versions if version[3] == row[0]]
        standing = [version for version in mine if version[0] <= time_of(row)]
        if not standing:
            return None
        best = max(standing, key=lambda version: version[:2])
        kept = [version for version in mine if version[0] <= seen and version[1] < self._count]
        forgotten = kept and best[0] < max(kept, key=lambda version: version[:2])[0]
        return None if forgotten else best[2]


def milliseconds(moment: Any) -> int:
    return round((moment - at(0)).total_seconds() * 1000)


def time_of(row: tuple[Any, ...]) -> int:
    return -(2**62) if row[2] is None else milliseconds(row[2])


@pytest.mark.parametrize("kind", [JoinKind.INNER, JoinKind.LEFT], ids=["inner", "left"])
@settings(max_examples=60, deadline=None)
@given(stream=streams(), residual=st.booleans())
def test_a_temporal_join_is_that_of_single_rows_after_every_pass(kind: JoinKind, stream: Any, residual: bool) -> None:
    events, cuts, restarts = stream
    join = joined(kind, residual=residual)
    model = Model(join)
    done = 0

    def compare(prefix: int, outcome: Any) -> None:
        nonlocal done
        for event in events[done:prefix]:
            model.take(event)
        done = prefix
        assert outcome.total() == +model.total

    outcome = run(join, events, cuts, restart_at=restarts, observe=compare)
    model.pass_watermark(END_OF_TIME)
    assert outcome.total() == +model.total
    assert all(sign == 1 for _, sign in outcome.changes)


def test_row_times_of_the_left_side_stay_row_times() -> None:
    schema = joined(JoinKind.INNER, residual=False).schema
    assert [item.time for item in schema] == [None, None, TimeAttribute.ROWTIME, None, None, None]


TABLES = """
CREATE TABLE a (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json');
CREATE TABLE added (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json');
CREATE TABLE keyed (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'b', 'key.format' = 'json', 'value.format' = 'json');
CREATE VIEW last_rows AS
SELECT k, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS n FROM added) WHERE n = 1;
"""


def planned(view: str, condition: str, kind: str) -> Relation:
    session = Session()
    for statement in (TABLES + view).split(";\n"):
        session.execute(f"{statement};") if statement.strip() else None
    return session.query(
        f"SELECT a.k, a.v, a.ts, b.doubled FROM a {kind} JOIN versions FOR SYSTEM_TIME AS OF a.ts AS b "
        f"ON a.k = b.k{condition}"
    )


@pytest.mark.parametrize("table", ["keyed", "last_rows"])
@settings(max_examples=30, deadline=None)
@given(stream=streams(), kind=st.sampled_from(["LEFT", "INNER"]))
def test_a_condition_of_the_view_is_one_of_the_join(table: str, stream: Any, kind: str) -> None:
    events, cuts, restarts = stream
    name = "keyed" if table == "keyed" else "added"
    events = [replace(event, table=name) if event.table == "b" else event for event in events]
    if name == "added":
        events = [event for event in events if not event.deleted]
        cuts, restarts = [cut for cut in cuts if cut <= len(events)], [cut for cut in restarts if cut < len(events)]
    inside = planned(
        f"CREATE VIEW all_doubled AS SELECT k, ts, v * 2 AS doubled FROM {table} WHERE v <> 1;\n"
        "CREATE VIEW versions AS SELECT doubled, k, ts FROM all_doubled WHERE k = 'x' OR doubled < 4;\n",
        "",
        kind,
    )
    outside = planned(
        f"CREATE VIEW versions AS SELECT k, ts, v * 2 AS doubled FROM {table};\n",
        " AND b.doubled <> 2 AND (b.k = 'x' OR b.doubled < 4)",
        kind,
    )

    of_view = run(inside, events, cuts, restart_at=restarts)

    assert of_view.changes == run(outside, events).changes
