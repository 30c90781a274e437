"""Interval joins of processing time: rows meet that come near each other, and the clock forgets them."""

from __future__ import annotations

from typing import Any

import pytest
from changelogs import Event, _rows, batches_between, started

from riacho.dataflow.expressions import Settings
from riacho.host import ManualClock
from riacho.plan.relations import Interval, Job, Join, Sink, walk_relations
from riacho.plan.tables import Table
from riacho.sql.explain import explain
from riacho.sql.session import Session

NOON = 1_704_110_400_000
DDL = """
CREATE TABLE l (k STRING, v BIGINT, pt AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json');
CREATE TABLE r (k STRING, w BIGINT, pt AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
"""
NEAR = "l.k = r.k AND l.pt BETWEEN r.pt - INTERVAL '10' SECOND AND r.pt + INTERVAL '5' SECOND"
"""A left row is kept for 10 seconds, a right one for 5."""

Row = tuple[Any, ...]


class ClockedJoin:
    """A join on a clock that is moved by hand."""

    def __init__(self, kind: str, condition: str = NEAR) -> None:
        session = Session()
        session.execute(DDL)
        relation = session.query(f"SELECT l.k, v, r.k AS k2, w FROM l {kind} JOIN r ON {condition}")
        self.joins = [each for each in walk_relations(relation) if isinstance(each, Join)]
        self.clock = ManualClock(NOON)
        self._job = Job((Sink(relation, Table("out", (), (("connector", "blackhole"),))),))
        self._settings = Settings(clock=self.clock)
        self.graph = started(self._job, self._settings, 1)
        self._events: list[Event] = []

    def rows(self, *rows: tuple[str, str, int]) -> list[Row]:
        """A pass over these rows (table, key, value), at this moment."""
        start = len(self._events)
        self._events += [Event(table, values) for table, *values in rows]
        changes = _rows(self.graph.run_pass(batches_between(self.graph, self._events, start, len(self._events))))
        assert all(sign > 0 for _, sign in changes), "what came out is never taken back"
        return sorted((row for row, _ in changes), key=str)

    def restart(self) -> None:
        snapshot = self.graph.snapshot()
        self.graph = started(self._job, self._settings, 1)
        self.graph.restore(snapshot)


@pytest.mark.parametrize("kind", ["INNER", "LEFT", "RIGHT", "FULL"])
def test_rows_meet_that_come_within_the_interval(kind: str) -> None:
    job = ClockedJoin(kind)
    (join,) = job.joins
    assert isinstance(join.time, Interval)
    assert not join.time.event_time
    assert job.rows(("l", "a", 1), ("r", "a", 1)) == [("a", 1, "a", 1)]
    job.clock.advance(5_000)
    assert job.rows(("l", "a", 2)) == [("a", 2, "a", 1)], "the right row is kept for 5 seconds"
    job.restart()
    job.clock.advance(1)
    assert job.rows(("l", "a", 3)) == [], "and no longer"
    job.clock.advance(4_999)
    assert job.rows(("r", "a", 2)) == [("a", left, "a", 2) for left in (1, 2, 3)], "a left row is kept for 10 seconds"
    job.clock.advance(1)
    assert job.rows(("r", "a", 3)) == [("a", left, "a", 3) for left in (2, 3)]


def test_a_row_without_a_partner_comes_when_the_clock_passes_it() -> None:
    job = ClockedJoin("FULL")
    assert job.rows(("l", "a", 1), ("r", "b", 2)) == []
    assert job.graph.wake_at_ms == NOON + 5_001
    job.clock.advance(5_001)
    assert job.rows() == [(None, None, "b", 2)]
    assert job.graph.wake_at_ms == NOON + 10_001
    job.restart()
    assert job.graph.wake_at_ms == NOON + 10_001
    job.clock.advance(5_000)
    assert job.rows() == [("a", 1, None, None)]
    assert job.graph.wake_at_ms is None


def test_a_row_that_has_had_a_partner_does_not_come_again() -> None:
    job = ClockedJoin("LEFT", f"{NEAR} AND v < w")
    assert job.rows(("l", "a", 1), ("l", "a", 5), ("r", "a", 3)) == [("a", 1, "a", 3)]
    job.restart()
    job.clock.advance(10_001)
    assert job.rows() == [("a", 5, None, None)]


def test_the_clock_frees_an_inner_joins_rows_though_no_row_comes() -> None:
    job = ClockedJoin("INNER")
    job.rows(*(("l", f"key {number}", number) for number in range(100)))
    moment = job.graph.wake_at_ms
    assert moment is not None
    job.clock.advance(moment - NOON)
    assert job.rows() == []
    job.restart()
    assert job.graph.wake_at_ms is None, "the snapshot holds no row any more"


@pytest.mark.parametrize(
    "condition",
    [
        "l.k = r.k AND l.pt > r.pt",
        "l.k = r.k AND l.pt BETWEEN r.pt - INTERVAL '1' MONTH AND r.pt",
    ],
)
def test_processing_times_that_are_not_bounded_leave_a_regular_join(condition: str) -> None:
    (join,) = ClockedJoin("INNER", condition).joins
    assert join.time is None


def test_explain_says_that_the_clock_bounds_it() -> None:
    session = Session()
    session.execute(DDL)
    relation = session.query(f"SELECT v, w FROM l JOIN r ON {NEAR}")
    shown = explain((relation,), (relation,))
    assert "windowBounds=[-10 s <= pt - pt0 <= 5 s of processing time]" in shown
    assert "until the clock passes their interval" in shown
