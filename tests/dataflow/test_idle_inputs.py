"""A table that has fallen silent holds back nothing that it is joined or united with; nothing falls when it wakes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pytest
from changelogs import Event, at, batches_between
from hypothesis import given
from hypothesis import strategies as st

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.graph import Graph
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.watermark import CombinedWatermark, SplitWatermarks
from riacho.host import ManualClock
from riacho.jobs.script import compile_job_script
from riacho.plan.relations import Schema

TIMEOUT_MS = 100

TABLE = """
CREATE TABLE {0} (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = '{0}', 'format' = 'json', 'scan.watermark.idle-timeout' = '{1} ms');
"""

TABLES = (
    "".join(TABLE.format(name, TIMEOUT_MS) for name in ("a", "b", "c"))
    + TABLE.format("patient", 0)
    + f"""
CREATE TABLE versions (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'versions', 'key.format' = 'json', 'value.format' = 'json',
        'scan.watermark.idle-timeout' = '{TIMEOUT_MS} ms');
CREATE TABLE p (k STRING, ts TIMESTAMP(3)) WITH ('connector' = 'print');
"""
)

WINDOWS = "TUMBLE(TABLE {}, DESCRIPTOR(ts), INTERVAL '0.010' SECOND)"
UNITED = "CREATE VIEW united AS SELECT * FROM {} UNION ALL SELECT * FROM {};"
COUNTED = f"INSERT INTO p SELECT k, window_end FROM {WINDOWS.format('united')} GROUP BY k, window_start, window_end;"
BESIDE = """INSERT INTO p SELECT l.k, l.ts FROM a AS l
  LEFT JOIN {} AS r ON l.k = r.k AND r.ts BETWEEN l.ts AND l.ts + INTERVAL '0.005' SECOND;"""


class Running:
    """A job whose tables have one partition each, those named one more without a row, and a clock to be turned."""

    def __init__(self, statements: str, *, two_partitions: Collection[str] = ()) -> None:
        (self._job,) = compile_job_script(f"{TABLES} {statements}", None, {}).jobs
        self.clock = ManualClock()
        self._two_partitions = two_partitions
        self._events: list[Event] = []
        self.graph = self._started()

    def _started(self) -> Graph:
        graph = Graph.build(self._job, Settings(clock=self.clock))
        for name, scan in graph.scans.items():
            graph.assign_splits(name, range(2 if scan.table.name in self._two_partitions else 1))
        return graph

    def restart(self) -> None:
        snapshot = self.graph.snapshot()
        self.graph = self._started()
        self.graph.restore(snapshot)

    def take(self, table: str, *times: int, key: str = "x") -> list[tuple[Any, ...]]:
        """A pass over rows of a table; what comes out."""
        return self.take_all([(table, time) for time in times], key=key)

    def take_all(self, rows: Sequence[tuple[str, int]], *, key: str = "x") -> list[tuple[Any, ...]]:
        first = len(self._events)
        self._events += [Event(table, (key, at(time))) for table, time in rows]
        batches = batches_between(self.graph, self._events, first, len(self._events))
        outputs = [output for part in self.graph.run_pass(batches) for output in part.values()]
        return [row for output in outputs for row in output.frame.rows()]

    def silence(self, milliseconds: int = TIMEOUT_MS) -> list[tuple[Any, ...]]:
        """A pass without rows after so long; what comes out."""
        self.clock.advance(milliseconds)
        return self.take_all([])

    @property
    def late(self) -> int:
        return sum(each.late_rows for each in self.graph.metrics())

    @property
    def watermark(self) -> int:
        """Of what comes out."""
        return self.graph.metrics()[-1].watermark


def day_ms(milliseconds: int) -> int:
    """The watermark at a time of day zero."""
    return int(np.datetime64(at(milliseconds)).astype("datetime64[ms]").astype(np.int64))


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(UNITED.format("a", "b") + COUNTED, id="UNION ALL"),
        pytest.param(BESIDE.format("b"), id="interval join"),
        pytest.param(
            "INSERT INTO p SELECT l.k, l.ts FROM a AS l LEFT JOIN versions FOR SYSTEM_TIME AS OF l.ts AS r "
            "ON l.k = r.k;",
            id="temporal join",
        ),
        pytest.param(
            f"INSERT INTO p SELECT l.k, l.window_end FROM (SELECT * FROM {WINDOWS.format('a')}) AS l "
            f"LEFT JOIN (SELECT * FROM {WINDOWS.format('b')}) AS r "
            "ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end;",
            id="window join",
        ),
    ],
)
def test_a_table_that_has_fallen_silent_holds_nothing_back(statements: str) -> None:
    job = Running(statements)
    assert job.take("a", 1, 20) == []

    job.clock.advance(TIMEOUT_MS)

    assert len(job.take("a", 30)) >= 1


def test_what_an_idle_table_is_united_to_is_idle_and_holds_no_join_back() -> None:
    job = Running(UNITED.format("b", "c") + BESIDE.format("united"))
    job.take_all([("a", 1), ("b", 0), ("a", 20)])
    job.clock.advance(TIMEOUT_MS)

    assert job.take("a", 30) == [("x", at(1)), ("x", at(20))]


def test_a_table_that_need_not_be_idle_is_waited_for() -> None:
    job = Running(UNITED.format("a", "patient") + COUNTED)
    job.take("a", 1, 20)
    job.clock.advance(TIMEOUT_MS)

    assert job.take("a", 30) == []


def woken(statements: str) -> Running:
    """A job whose watermark has come to 25, and one of whose tables wakes at 21."""
    job = Running(statements)
    job.take_all([("a", 1), ("b", 1)])
    job.clock.advance(TIMEOUT_MS)
    job.take("a", 25)
    job.take("b", 2, 21)
    return job


def test_rows_of_a_table_that_wakes_are_late_behind_the_watermark_of_the_others() -> None:
    job = woken(UNITED.format("a", "b") + COUNTED)

    assert (job.late, job.watermark) == (1, day_ms(25))


def test_a_union_does_not_wait_for_a_table_that_has_woken_before_it_has_caught_up() -> None:
    job = woken(UNITED.format("a", "b") + COUNTED)

    assert job.take("a", 35) == [("x", at(30))]
    assert job.take_all([("b", 36), ("a", 55)]) == []
    assert job.watermark == day_ms(36)


def test_a_join_waits_for_a_table_that_has_woken() -> None:
    job = woken(BESIDE.format("b"))

    assert job.take("a", 40) == []
    assert job.take("b", 39) == [("x", at(25))]


def test_the_watermark_of_a_woken_table_is_not_below_the_one_before_a_restart() -> None:
    job = Running(UNITED.format("a", "b") + COUNTED)
    job.take_all([("a", 1), ("b", 1)])
    job.clock.advance(TIMEOUT_MS)
    job.take("a", 25)

    job.restart()
    job.take("b", 2)

    assert (job.late, job.watermark) == (1, day_ms(25))


def test_of_tables_that_are_all_silent_the_furthest_tells_the_time() -> None:
    job = Running(UNITED.format("a", "b") + COUNTED)
    job.take_all([("a", 5), ("b", 15)])

    assert job.silence() == [("x", at(10))]
    assert job.watermark == day_ms(15)


FOUND = "INSERT INTO p SELECT r.k, r.ts FROM a AS l JOIN versions FOR SYSTEM_TIME AS OF l.ts AS r ON l.k = r.k;"


@pytest.mark.parametrize("restarts", [False, True], ids=["", "restarted"])
def test_a_version_that_came_before_a_table_was_noticed_to_be_silent_is_found(restarts: bool) -> None:
    job = Running(FOUND)
    job.take_all([("a", 20), ("versions", 3), ("versions", 12)])
    if restarts:
        job.restart()
    job.clock.advance(TIMEOUT_MS)

    assert job.take("a", 30, key="y") == [("x", at(12))]


@pytest.mark.parametrize("restarts", [False, True], ids=["", "restarted"])
def test_a_version_that_came_before_a_partition_was_noticed_to_be_silent_is_found(restarts: bool) -> None:
    job = Running(FOUND, two_partitions=["a"])
    job.take_all([("a", 20), ("versions", 3), ("versions", 12)])
    job.take("versions", 40, key="y")
    if restarts:
        job.restart()
    job.clock.advance(TIMEOUT_MS)

    assert job.take_all([("a", 30), ("versions", 50)], key="y") == [("x", at(12))]


def test_only_the_split_of_a_table_that_is_awake_holds_a_watermark_back() -> None:
    job = Running(UNITED.format("a", "b") + COUNTED)
    job.take_all([("a", 1), ("b", 5)])
    job.clock.advance(TIMEOUT_MS)
    job.take("b", 6)

    tables = {job.graph.scans[scan].table.name for scan in job.graph.slowest_splits()}

    assert tables == {"b"}


def test_of_splits_that_are_all_silent_the_furthest_tells_the_time() -> None:
    clock = ManualClock()
    splits = SplitWatermarks(clock, idle_timeout_ms=100)
    nothing, every = np.empty(0, np.int64), np.empty(0, np.bool_)
    splits.advance(np.arange(2), np.array([0, 1], np.int32), np.array([50, 70]), every)
    clock.advance(100)

    steps = splits.advance(nothing, nothing.astype(np.int32), nothing, every)

    assert (steps.before, steps.value.tolist(), steps.idle) == (50, [70], True)


def test_silence_besides_a_split_that_has_ended_is_not_the_end() -> None:
    clock = ManualClock()
    splits = SplitWatermarks(clock, idle_timeout_ms=100)
    nothing, every = np.empty(0, np.int64), np.empty(0, np.bool_)
    splits.advance(np.arange(2), np.array([0, 1], np.int32), np.array([50, 70]), every)
    splits.finish([1])
    clock.advance(100)

    assert splits.advance(nothing, nothing.astype(np.int32), nothing, every).after == 50


def test_splits_that_all_have_rows_are_none_of_them_idle_however_long_the_pass_before_took() -> None:
    clock = ManualClock()
    splits = SplitWatermarks(clock, idle_timeout_ms=100)
    every = np.empty(0, np.bool_)
    splits.advance(np.arange(2), np.array([0, 1], np.int32), np.array([50, 70]), every)
    clock.advance(1_000)

    steps = splits.advance(np.arange(2, 4), np.array([1, 0], np.int32), np.array([80, 60]), every)

    assert (steps.value.tolist(), steps.idle) == ([60], False)


NOTHING = Schema(())

walks = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9) | st.just(END_OF_TIME)), max_size=12)
"""Which input rises at each row, and to where."""


@given(
    st.lists(st.tuples(walks, st.lists(st.booleans(), min_size=3, max_size=3)), max_size=4),
    st.booleans(),
    st.booleans(),
)
def test_the_watermark_of_several_is_what_the_rule_says_row_by_row(
    passes: list[tuple[list[tuple[int, int]], list[bool]]], waits: bool, restarts: bool
) -> None:
    watermark, sequence = CombinedWatermark(waits=waits), 0
    levels, level = [NO_WATERMARK] * 3, NO_WATERMARK
    for rises, silent in passes:
        idle = [mine and all(place != number for place, _ in rises) for number, mine in enumerate(silent)]
        before, expected, first = list(levels), [], sequence
        steps: list[list[tuple[int, int]]] = [[], [], []]
        level = max(level, allowed(levels, idle, NO_WATERMARK if waits else level))
        for place, value in rises:
            if value > levels[place]:
                levels[place] = value
                steps[place].append((sequence, value))
            level = max(level, allowed(levels, idle, NO_WATERMARK if waits else level))
            expected.append(level)
            sequence += 1
        own = [
            WatermarkSteps(start, *np.array(part, np.int64).reshape(-1, 2).T.copy(), mine)
            for start, part, mine in zip(before, steps, idle, strict=True)
        ]

        inputs = watermark.over(tuple(empty_batch(NOTHING, each) for each in own), first - 1)

        combined = inputs[0].watermark
        assert all(batch.watermark is combined for batch in inputs)
        assert combined.seen_by(np.arange(first, sequence) + 1).tolist() == expected
        assert (combined.after, combined.idle) == (level, all_idle(levels, idle))
        if restarts:
            state, watermark = watermark.snapshot(), CombinedWatermark(waits=waits)
            watermark.restore(state)


def all_idle(levels: list[int], idle: list[bool]) -> bool:
    going = [mine for level, mine in zip(levels, idle, strict=True) if level < END_OF_TIME]
    return bool(going) and all(going)


def allowed(levels: list[int], idle: list[bool], floor: int) -> int:
    going = [(level, mine) for level, mine in zip(levels, idle, strict=True) if level < END_OF_TIME]
    if all_idle(levels, idle):
        return max(level for level, _ in going)
    awake = [level for level, mine in going if not mine]
    return min((level for level in awake if level >= floor), default=NO_WATERMARK if awake else END_OF_TIME)
