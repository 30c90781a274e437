"""Windows of processing time: they lie on the clock and close by it, whether or not rows come."""

# ruff: noqa: DTZ001 - TIMESTAMP has no zone

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from changelogs import Event, _rows, batches_between, started

from riacho.dataflow.batch import END_OF_TIME, Batch, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.expressions import Settings, zone
from riacho.host import ManualClock
from riacho.plan.relations import Job, Sink
from riacho.plan.tables import Table
from riacho.sql.session import Session

NOON = 1_704_110_400_000
DDL = """
CREATE TABLE t (k STRING, v BIGINT, pt AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
"""
TUMBLE = "TABLE(TUMBLE(TABLE t, DESCRIPTOR(pt), INTERVAL '10' SECOND))"
SESSION = "TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(pt), INTERVAL '10' SECOND))"


class ClockedJob:
    """A job on a clock that is moved by hand."""

    def __init__(self, query: str, where: str = "UTC") -> None:
        session = Session()
        session.execute(DDL)
        self.clock = ManualClock(NOON)
        self._job = Job((Sink(session.query(query), Table("out", (), (("connector", "blackhole"),))),))
        self._settings = Settings(zone=zone(where), clock=self.clock)
        self.graph = started(self._job, self._settings, 1)
        self._events: list[Event] = []

    def rows(self, *rows: tuple[str, int]) -> list[tuple[Any, ...]]:
        """A pass over these rows, at this moment."""
        start = len(self._events)
        self._events += [Event("t", row) for row in rows]
        return self._pass(batches_between(self.graph, self._events, start, len(self._events)))

    def _pass(self, batches: dict[str, Batch]) -> list[tuple[Any, ...]]:
        return [row for row, diff in _rows(self.graph.run_pass(batches)) if diff > 0]

    def restart(self) -> None:
        snapshot = self.graph.snapshot()
        self.graph = started(self._job, self._settings, 1)
        self.graph.restore(snapshot)

    def end(self) -> list[tuple[Any, ...]]:
        """The input ends."""
        (name,) = self.graph.scans
        schema = polars_schema(self.graph.scans[name].schema)
        over = WatermarkSteps.still().then(len(self._events), END_OF_TIME)
        return self._pass({name: Batch(pl.DataFrame(schema=schema), np.empty(0, np.int64), over)})


def at(second: int, hour: int = 12) -> datetime:
    return datetime(2024, 1, 1, hour, 0, second)


def test_a_window_closes_by_the_clock_though_no_row_comes() -> None:
    job = ClockedJob(f"SELECT k, window_start, window_end, SUM(v) FROM {TUMBLE} GROUP BY k, window_start, window_end")
    job.clock.advance(4_000)
    assert job.rows(("a", 1), ("b", 2)) == []
    assert job.graph.wake_at_ms == NOON + 10_000
    job.clock.advance(5_999)
    assert job.rows(("a", 5)) == []
    job.restart()
    job.clock.advance(1)
    assert job.rows() == [("a", at(0), at(10), 6), ("b", at(0), at(10), 2)]
    assert job.graph.wake_at_ms is None
    assert job.rows(("a", 7)) == []
    assert job.graph.wake_at_ms == NOON + 20_000


def test_a_row_that_comes_as_a_window_closes_is_in_the_next() -> None:
    job = ClockedJob(f"SELECT window_start, COUNT(*) FROM {TUMBLE} GROUP BY window_start, window_end")
    job.rows(("a", 1))
    job.clock.advance(10_000)
    assert job.rows(("a", 2)) == [(at(0), 1)]
    job.clock.advance(10_000)
    assert job.rows() == [(at(10), 1)]


def test_sessions_go_on_while_rows_come() -> None:
    for calls in ("COUNT(*)", "COUNT(DISTINCT v)"):  # added up, and from the rows
        job = ClockedJob(
            f"SELECT k, window_start, window_end, {calls} FROM {SESSION} GROUP BY k, window_start, window_end"
        )
        job.rows(("a", 1))
        job.clock.advance(10_000)
        assert job.rows(("a", 2), ("b", 3)) == [("a", at(0), at(10), 1)]
        job.clock.advance(9_000)
        job.restart()
        job.rows(("b", 4))
        job.clock.advance(20_000)
        given = job.rows()
        assert [row for row in given if row[0] == "b"] == [("b", at(10), at(29), 2)]


def test_windows_of_the_clock_follow_the_sessions_zone() -> None:
    job = ClockedJob(
        "SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(pt), INTERVAL '1' DAY)) "
        "GROUP BY window_start, window_end",
        "Asia/Kolkata",
    )
    job.rows(("a", 1))
    assert job.graph.wake_at_ms == NOON + 23_400_000, "midnight is six and a half hours away"
    job.clock.advance(12 * 3_600_000)
    assert job.rows() == [(datetime(2024, 1, 1), 1)]


def test_what_is_open_when_the_input_ends_is_not_given() -> None:
    job = ClockedJob(f"SELECT window_start, COUNT(*) FROM {TUMBLE} GROUP BY window_start, window_end")
    job.rows(("a", 1))
    assert job.end() == []


def test_rows_of_one_moment_are_sorted_by_the_columns_behind_it() -> None:
    job = ClockedJob("SELECT k, v FROM t ORDER BY pt, v DESC, k")

    assert job.rows(("a", 1), ("c", 3), ("b", 3), ("a", 2)) == [("b", 3), ("c", 3), ("a", 2), ("a", 1)]
    job.clock.advance(1)
    assert job.rows(("a", 9), ("a", 0)) == [("a", 9), ("a", 0)]


def test_rows_sorted_by_processing_time_alone_come_as_they_arrive() -> None:
    job = ClockedJob("SELECT k, v FROM t ORDER BY pt")

    assert job.rows(("c", 1), ("a", 3), ("b", 2)) == [("c", 1), ("a", 3), ("b", 2)]
