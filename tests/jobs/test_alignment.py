"""Watermark alignment: which sources are polled, and that nobody waits for what is idle or over."""

# ruff: noqa: DTZ001 - TIMESTAMP has no zone

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from test_worker import Feed, Kept, NoOrigins

from riacho.dataflow.batch import NO_WATERMARK
from riacho.dataflow.connectors import check_table
from riacho.dataflow.expressions import Settings
from riacho.dataflow.graph import Graph
from riacho.dataflow.sources import SourceBatch
from riacho.host import ManualClock
from riacho.jobs.alignment import FIRST_ROWS, SourceAlignment
from riacho.jobs.script import compile_job_script
from riacho.jobs.trigger import Trigger
from riacho.jobs.worker import Arrivals, Wiring, Worker
from riacho.plan.relations import Alignment
from riacho.sql.errors import SqlError
from riacho.sql.session import compile_script

DRIFT_MS = 10_000


class Levels(dict[str, tuple[int, int]]):
    def __call__(self) -> Mapping[str, tuple[int, int]]:
        return self


def aligned(levels: Levels, clock: ManualClock, *names: str) -> SourceAlignment:
    return SourceAlignment({name: Alignment("g", DRIFT_MS, 1_000) for name in names}, levels, clock)


def test_a_source_waits_until_the_slowest_has_come_near() -> None:
    levels, clock = Levels(a=(0, 5_000), b=(0, 20_000)), ManualClock()
    alignment = aligned(levels, clock, "a", "b")
    assert set(alignment.ahead()) == {"b"}
    levels["a"] = (0, 10_000)
    assert set(alignment.ahead()) == {"b"}, "it is announced every second"
    clock.advance(1_000)
    assert set(alignment.ahead()) == set()
    levels["b"] = (0, 20_001)
    assert set(alignment.ahead()) == {"b"}, "who is past what was announced waits at once"


def test_a_source_without_a_watermark_is_waited_for_but_none_that_is_not_there() -> None:
    levels, clock = Levels(a=(0, NO_WATERMARK), b=(0, 7)), ManualClock()
    alignment = aligned(levels, clock, "a", "b", "ended")
    assert set(alignment.ahead()) == {"b"}
    del levels["a"]
    clock.advance(1_000)
    assert set(alignment.ahead()) == set()


def test_groups_do_not_wait_for_each_other() -> None:
    groups = {"a": Alignment("g", 0, 0), "b": Alignment("h", 0, 0)}
    alignment = SourceAlignment(groups, Levels(a=(0, 1), b=(0, 100), c=(0, 0)), ManualClock())
    assert set(alignment.ahead()) == set()


OPTIONS = f"""'connector' = 'kafka', 'topic' = 'x', 'format' = 'json', 'properties.bootstrap.servers' = 'nowhere:1',
  'scan.watermark.alignment.group' = 'g', 'scan.watermark.alignment.max-drift' = '{DRIFT_MS} ms'"""
SQL = f"""
CREATE TABLE fast (ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ({OPTIONS});
CREATE TABLE slow (ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ({OPTIONS});
CREATE TABLE o (ts TIMESTAMP(3)) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT * FROM fast UNION ALL SELECT * FROM slow;
"""


class Ticking(Feed):
    """A source of a row a second, so many of which come with a poll."""

    def __init__(self, clock: ManualClock, rows: int, at_once: int) -> None:
        super().__init__(lambda: None, ())
        self._clock = clock
        self._left, self._at_once = rows, at_once
        self.second = 0

    def poll(self, max_rows: int, max_bytes: int, max_wait_ms: int) -> SourceBatch | None:
        self._clock.advance(1_000)
        count = min(self._at_once, self._left, max_rows)
        self._left -= count
        self.finished = not self._left
        if not count:
            return None
        times = [datetime(2024, 1, 1) + timedelta(seconds=self.second + step) for step in range(count)]
        self.second += count
        frame = pl.DataFrame({"ts": times}, schema={"ts": pl.Datetime("us")})
        return SourceBatch(frame, np.zeros(count, np.int32), count, NoOrigins())


def far_ahead(statements: str, *, fast_rows: int, at_once: int) -> int:
    """By how many seconds the fast table was ahead at most, of which so many rows lie ready, until the slow one ended.

    All rows of both come.
    """
    clock = ManualClock()
    (job,) = compile_job_script(statements, None, {}).jobs
    graph = Graph.build(job, Settings(clock=clock))
    feeds = {
        scan_id: Ticking(clock, fast_rows, at_once) if scan.table.name == "fast" else Ticking(clock, 20, 1)
        for scan_id, scan in graph.scans.items()
    }
    fast, slow = sorted(feeds.values(), key=lambda feed: -feed._left)
    ahead: list[int] = []

    class Watched(Kept):
        def write(self, batch: object) -> None:
            super().write(batch)  # type: ignore[arg-type]
            if not slow.finished:
                ahead.append(fast.second - slow.second)

    (sink_id,) = graph.sinks
    kept = Watched([])
    sources: Mapping[str, Feed] = feeds
    worker = Worker(
        graph,
        Wiring(sources, {sink_id: kept}, Arrivals()),
        trigger=Trigger(),
        clock=clock,
        fingerprint="plan",
    )
    assert worker.run()
    assert sum(kept.passes) == fast_rows + 20
    return max(ahead)


@pytest.mark.parametrize("before", ["", "SET 'table.exec.source.idle-timeout' = '3 s';"], ids=["", "nor is it idle"])
def test_a_fast_source_is_not_polled_while_it_is_ahead_and_all_rows_come(before: str) -> None:
    assert far_ahead(f"{before}{SQL}", fast_rows=60, at_once=5) <= DRIFT_MS // 1_000 + 5


def test_of_many_rows_that_lie_ready_few_are_read_before_it_is_looked_how_far_they_have_come() -> None:
    assert far_ahead(SQL, fast_rows=10_000, at_once=10_000) <= DRIFT_MS // 1_000 + FIRST_ROWS


def test_a_source_that_is_not_ahead_is_asked_for_more_and_more_rows_until_it_is() -> None:
    levels, clock = Levels(a=(0, 5_000), b=(0, 5_000)), ManualClock()
    alignment = aligned(levels, clock, "a", "b")
    assert alignment.most_rows("b", 100_000) == FIRST_ROWS
    alignment.came("b", 10)
    assert alignment.most_rows("b", 100_000) == FIRST_ROWS, "there are no more"
    alignment.came("b", FIRST_ROWS)
    assert alignment.most_rows("b", 100_000) == 2 * FIRST_ROWS
    assert alignment.most_rows("b", FIRST_ROWS + 1) == FIRST_ROWS + 1, "its share"
    levels["b"] = (0, 20_000)
    assert set(alignment.ahead()) == {"b"}
    assert alignment.most_rows("b", 100_000) == FIRST_ROWS


def test_a_source_without_a_group_is_asked_for_its_share() -> None:
    alignment = aligned(Levels(), ManualClock(), "a")
    alignment.came("other", 10_000)
    assert alignment.most_rows("other", 100_000) == 100_000


@pytest.mark.parametrize("given", [("group", "g"), ("max-drift", "1 s")])
def test_a_group_needs_a_drift_and_a_drift_a_group(given: Sequence[str]) -> None:
    option = f"'scan.watermark.alignment.{given[0]}' = '{given[1]}'"
    text = SQL.replace(OPTIONS, "'connector' = 'kafka', 'topic' = 'x', 'format' = 'json'").replace(
        "UNION ALL SELECT * FROM slow", f"/*+ OPTIONS({option}) */"
    )
    with pytest.raises(SqlError, match=r"needs the option 'scan\.watermark\.alignment"):
        compile_script(text, check_table=check_table)
