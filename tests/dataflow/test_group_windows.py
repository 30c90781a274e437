"""Windows of GROUP BY that fire early and late: by rows, whatever the cut into passes, and by the clock."""

# ruff: noqa: DTZ001 - TIMESTAMP has no zone

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from changelogs import Event, at, batches_between, run, started, total
from changelogs import _rows as changes_of
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.expressions import Settings
from riacho.dataflow.graph import Graph
from riacho.host import ManualClock
from riacho.plan.relations import Job, Relation, Sink
from riacho.plan.tables import Table
from riacho.sql.session import Session

NOON = 1_704_110_400_000
DELAY_MS = 3
DDL = f"""
CREATE TABLE t (k STRING, v BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '0.00{DELAY_MS}' SECOND) WITH ('connector' = 'kafka');
"""


def plan(query: str, **emit: str) -> Relation:
    session = Session()
    for key, value in emit.items():
        name = key.replace("_", "-").replace("-fire-", "-fire.")
        session.execute(f"SET 'table.exec.emit.{name}' = '{value}';")
    session.execute(DDL)
    return session.query(query)


Row = tuple[str, int, int]


def answer(rows: list[Row], *, slide: int, size: int, lateness: int, early: bool, ended: bool) -> Counter[Any]:
    """Each window over the rows that it took, where it has fired."""
    groups: dict[tuple[str, int], list[int]] = {}
    watermark = -(10**9)
    for key, value, time in rows:
        end = time // slide * slide + slide
        while end <= time // slide * slide + size:
            if watermark < end - 1 + lateness:
                groups.setdefault((key, end), []).append(value)
            end += slide
        watermark = max(watermark, time - DELAY_MS)
    return Counter(
        (key, at(end - size), len(values), sum(values), len(set(values)))
        for (key, end), values in groups.items()
        if early or ended or watermark >= end - 1
    )


@given(
    rows=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 30)), max_size=25),
    slide=st.integers(2, 6),
    overlap=st.integers(1, 3),
    lateness=st.integers(0, 8),
    early=st.booleans(),
    cuts=st.lists(st.integers(0, 25), max_size=5),
    restarts=st.lists(st.integers(0, 25), max_size=2),
)
@settings(max_examples=150, deadline=None)
def test_every_prefix_gives_the_windows_over_the_rows_that_they_took(
    rows: list[Row], slide: int, overlap: int, lateness: int, early: bool, cuts: list[int], restarts: list[int]
) -> None:
    size = slide * overlap
    if not early and not lateness:
        early = True
    options = {"early_fire_enabled": "true", "early_fire_delay": "0"} if early else {}
    if lateness:
        options |= {"late_fire_enabled": "true", "late_fire_delay": "0", "allow_lateness": f"{lateness} ms"}
    shape = f"ts, INTERVAL '0.00{slide}' SECOND, INTERVAL '0.0{size:02}' SECOND"
    relation = plan(
        f"SELECT k, HOP_START({shape}), COUNT(*), SUM(v), COUNT(DISTINCT v) FROM t GROUP BY k, HOP({shape})", **options
    )
    events = [Event("t", (key, value, at(time))) for key, value, time in rows]

    def check(read: int, outcome: Any) -> None:
        expected = answer(rows[:read], slide=slide, size=size, lateness=lateness, early=early, ended=False)
        assert outcome.total() == expected

    found = run(relation, events, cuts, restart_at=[at for at in restarts if at < len(events)], observe=check)

    assert found.total() == answer(rows, slide=slide, size=size, lateness=lateness, early=early, ended=True)


class ClockedJob:
    """A job on a clock that is moved by hand."""

    def __init__(self, query: str, **emit: str) -> None:
        self.clock = ManualClock(NOON)
        self._job = Job((Sink(plan(query, **emit), Table("out", (), (("connector", "blackhole"),))),))
        self._events: list[Event] = []
        self.graph = self._started()

    def _started(self) -> Graph:
        return started(self._job, Settings(clock=self.clock), 1)

    def rows(self, *rows: tuple[str, int, int]) -> list[tuple[tuple[Any, ...], int]]:
        """The changes of a pass over these rows, at this moment."""
        start = len(self._events)
        self._events += [Event("t", (key, value, at(time))) for key, value, time in rows]
        batches = batches_between(self.graph, self._events, start, len(self._events))
        return changes_of(self.graph.run_pass(batches))

    def restart(self) -> None:
        snapshot = self.graph.snapshot()
        self.graph = self._started()
        self.graph.restore(snapshot)


TUMBLE = "SELECT k, TUMBLE_END(ts, INTERVAL '10' SECOND), SUM(v) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND)"


def test_a_window_fires_early_every_so_often_from_its_first_row_on() -> None:
    job = ClockedJob(TUMBLE, early_fire_enabled="true", early_fire_delay="5 s")
    first = at(10_000)
    assert job.rows(("a", 1, 1_000)) == []
    assert job.graph.wake_at_ms == NOON + 5_000
    job.clock.advance(4_999)
    assert job.rows(("a", 2, 2_000)) == []
    job.restart()
    job.clock.advance(1)
    assert job.rows() == [(("a", first, 3), 1)]
    job.clock.advance(5_000)
    assert job.rows() == [], "nothing has changed"
    job.rows(("a", 4, 3_000))
    job.clock.advance(12_000)
    assert job.rows() == [(("a", first, 3), -1), (("a", first, 7), 1)]
    assert job.graph.wake_at_ms == NOON + 25_000, "timers keep their pace"
    job.rows(("a", 8, 4_000))
    assert job.rows(("b", 1, 10_002 + DELAY_MS)) == [(("a", first, 7), -1), (("a", first, 15), 1)], "it closes"


def test_late_rows_are_gathered_for_the_delay() -> None:
    job = ClockedJob(TUMBLE, late_fire_enabled="true", late_fire_delay="5 s", allow_lateness="1 min")
    end = at(10_000)
    job.rows(("a", 1, 1_000))
    assert job.rows(("b", 1, 11_000)) == [(("a", end, 1), 1)]
    assert job.rows(("a", 2, 2_000)) == []
    job.clock.advance(3_000)
    assert job.rows(("a", 4, 2_000)) == []
    assert job.rows(("c", 1, 2_000)) == [(("c", end, 1), 1)], "the group's first row is late: it is answered at once"
    job.restart()
    job.clock.advance(2_000)
    assert job.rows() == [(("a", end, 1), -1), (("a", end, 7), 1)]


def test_late_rows_that_wait_when_the_window_is_forgotten_are_lost_as_in_flink() -> None:
    job = ClockedJob(TUMBLE, late_fire_enabled="true", late_fire_delay="5 s", allow_lateness="1 min")
    job.rows(("a", 1, 1_000), ("b", 1, 11_000))
    job.rows(("a", 2, 2_000))
    job.rows(("b", 1, 10_000 + 60_000 + DELAY_MS))
    job.clock.advance(5_000)
    assert [row for row, _ in job.rows()] == []
    assert job.graph.wake_at_ms is None


def test_windows_of_the_clock_fire_early() -> None:
    query = TUMBLE.replace("(ts", "(pt")
    job = ClockedJob(query, early_fire_enabled="true", early_fire_delay="4 s")
    end = datetime(2024, 1, 1, 12, 0, 10)
    assert job.rows(("a", 1, 0)) == []
    job.clock.advance(4_000)
    assert job.rows() == [(("a", end, 1), 1)]
    job.rows(("a", 2, 0))
    job.clock.advance(4_000)
    assert job.rows() == [(("a", end, 1), -1), (("a", end, 3), 1)]
    job.rows(("a", 4, 0))
    assert job.graph.wake_at_ms == NOON + 10_000
    job.clock.advance(2_000)
    assert total(job.rows()[1:]) == Counter({("a", end, 7): 1})
    assert job.graph.wake_at_ms is None


@pytest.mark.parametrize("late", ["false", "true"])
def test_early_timers_of_the_same_pace_go_on_for_late_rows(late: str) -> None:
    job = ClockedJob(
        TUMBLE,
        early_fire_enabled="true",
        early_fire_delay="5 s",
        late_fire_enabled=late,
        late_fire_delay="5 s",
        allow_lateness="1 min",
    )
    job.rows(("a", 1, 1_000))
    job.clock.advance(2_000)
    job.rows(("b", 1, 11_000 + DELAY_MS))
    job.rows(("a", 2, 2_000))
    job.clock.advance(3_000)
    changes = [row for row, diff in job.rows() if diff > 0 and row[0] == "a"]
    assert changes == ([("a", at(10_000), 3)] if late == "true" else [])
