"""The worker loop: what a pass takes, when it begins, and what is durable in which order."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from job_process import DEADLINE_S, until
from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.connectors import ConnectorEnvironment
from riacho.dataflow.expressions import Settings
from riacho.dataflow.graph import Graph
from riacho.dataflow.operator import STATE_LAYOUT
from riacho.dataflow.sinks import SinkCounts
from riacho.dataflow.sources import Json, Positions, RecordOrigin, SourceBatch, SourceCounts
from riacho.host import ManualClock, SystemDisk
from riacho.jobs import script
from riacho.jobs.script import compile_job_script
from riacho.jobs.snapshot import CHECKSUM, Snapshot, SnapshotError, SnapshotStore
from riacho.jobs.trigger import MAX_SPACING_MS, SMALL_ROWS, Trigger, trigger_of
from riacho.jobs.worker import (
    HOUSEKEEPING_MS,
    SNAPSHOT_INTERVAL_MS,
    Arrivals,
    OtherLayoutError,
    OtherQueryError,
    Wiring,
    Worker,
)

SQL = """
CREATE TABLE t (n BIGINT) WITH ('connector' = 'datagen');
CREATE TABLE o (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT n FROM t;
"""


ROW_BYTES = 8


class NoOrigins:
    def of(self, row: int) -> RecordOrigin:
        return RecordOrigin("t", 0, row, None, None)


class Feed:
    """A source whose rows the test lets arrive: `plan[i]` is what the i-th poll does before it delivers."""

    splits: Sequence[str] = ("t-0",)

    def __init__(self, notify: Callable[[], None], plan: Sequence[Callable[[Feed], None]]) -> None:
        self._notify = notify
        self._plan = list(plan)
        self._waiting = 0
        self._next = 0
        self.finished = False
        self.journal: list[str] = []

    def arrive(self, rows: int) -> None:
        self._waiting += rows

    def end(self) -> None:
        self.finished = True

    @property
    def finished_splits(self) -> frozenset[int]:
        return frozenset({0}) if self.finished else frozenset()

    def poll(self, max_rows: int, max_bytes: int, max_wait_ms: int) -> SourceBatch | None:
        if self._plan:
            self._plan.pop(0)(self)
        self._notify()  # the worker never really waits
        count = min(max_rows, max_bytes // ROW_BYTES, self._waiting)
        if not count:
            return None
        self._waiting -= count
        frame = pl.DataFrame({"n": np.arange(self._next, self._next + count)})
        self._next += count
        return SourceBatch(frame, np.zeros(count, np.int32), ROW_BYTES * count, NoOrigins())

    def reject(self, batch: SourceBatch, rows: Int64Array, reasons: Sequence[str]) -> None:
        raise AssertionError("no row is refused here")

    def positions(self) -> Positions:
        return {"next": self._next}

    def mark(self) -> Callable[[], Positions]:
        return self.positions().copy

    def seek(self, positions: Mapping[str, Json]) -> None:
        assert isinstance(positions["next"], int)
        self._next = positions["next"]

    def flush(self) -> None:
        self.journal.append("source flush")

    def commit(self, positions: Mapping[str, Json]) -> None:
        self.journal.append(f"commit {positions['next']}")

    def lag(self) -> int | None:
        return None

    @property
    def counts(self) -> SourceCounts:
        return SourceCounts(self._next)

    def wake(self) -> None:
        self._notify()

    def close(self) -> None:
        """Nothing to let go of."""


class Kept:
    """A sink that notes its passes."""

    def __init__(self, journal: list[str]) -> None:
        self.passes: list[int] = []
        self._journal = journal

    def write(self, batch: Batch) -> None:
        self.passes.append(len(batch))

    def flush(self) -> None:
        self._journal.append("sink flush")

    def positions(self) -> Positions:
        return {}

    def restore(self, positions: Mapping[str, Json]) -> None:
        """Nothing was written."""

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(sum(self.passes))

    def close(self) -> None:
        """Nothing to let go of."""


class LoggedStore(SnapshotStore):
    """A store that notes when a snapshot is written."""

    journal: list[str]

    def write(self, fingerprint: str, positions: Mapping[str, Any], arrays: Mapping[str, Any]) -> Any:
        written = super().write(fingerprint, positions, arrays)
        self.journal.append(f"snapshot {written.number}")
        return written


def worker_of(
    trigger: Trigger,
    clock: ManualClock,
    plan: Sequence[Callable[[Feed], None]],
    directory: Path | None = None,
    fingerprint: str = "plan",
    observe: Callable[[Worker], None] | None = None,
    store_kind: type[LoggedStore] = LoggedStore,
) -> tuple[Worker, Feed, Kept]:
    (job,) = compile_job_script(SQL, None, {}).jobs
    graph = Graph.build(job, Settings(clock=clock))
    arrivals = Arrivals()
    environment = ConnectorEnvironment(clock=clock, on_arrival=arrivals.notify)
    feed = Feed(environment.on_arrival, plan)
    kept = Kept(feed.journal)
    store = None
    if directory is not None:
        store = store_kind(directory, disk=SystemDisk(), clock=clock)
        store.journal = feed.journal
    ((scan_id, _),) = graph.scans.items()
    ((sink_id, _),) = graph.sinks.items()
    worker = Worker(
        graph,
        Wiring({scan_id: feed}, {sink_id: kept}, arrivals),
        trigger=trigger,
        clock=clock,
        fingerprint=fingerprint,
        snapshots=store,
        observe=observe,
    )
    return worker, feed, kept


def test_an_adaptive_pass_takes_what_has_arrived_and_no_more() -> None:
    plan = [lambda feed: feed.arrive(3), lambda feed: feed.arrive(500), lambda feed: feed.arrive(1) or feed.end()]
    worker, _, kept = worker_of(Trigger(), ManualClock(), plan)
    assert worker.run()
    assert kept.passes == [3, 500, 1]


@pytest.mark.parametrize("limits", [{"max_rows": 10}, {"max_bytes": 10 * ROW_BYTES}], ids=["rows", "bytes"])
def test_a_pass_takes_no_more_than_its_limit(limits: dict[str, int]) -> None:
    plan = [lambda feed: feed.arrive(25), lambda feed: None, lambda feed: None, Feed.end]
    worker, _, kept = worker_of(Trigger(**limits), ManualClock(), plan)
    assert worker.run()
    assert kept.passes == [10, 10, 5]


def test_a_mini_batch_is_held_until_it_has_its_size() -> None:
    plan = [lambda feed: feed.arrive(4), lambda feed: feed.arrive(4), lambda feed: feed.arrive(4), Feed.end]
    trigger = Trigger(max_rows=10, hold_rows=10, hold_ms=60_000, held_poll_ms=0)
    worker, _, kept = worker_of(trigger, ManualClock(), plan)
    assert worker.run()
    assert kept.passes == [10, 2]


def test_a_mini_batch_is_held_until_its_oldest_row_has_waited_long_enough() -> None:
    clock = ManualClock()

    def later(milliseconds: int, rows: int) -> Callable[[Feed], None]:
        def step(feed: Feed) -> None:
            clock.advance(milliseconds)
            feed.arrive(rows)

        return step

    plan = [later(0, 1), later(400, 1), later(599, 1), later(1, 0), later(0, 1), later(1_000, 0), Feed.end]
    worker, _, kept = worker_of(Trigger(max_rows=100, hold_rows=100, hold_ms=1_000, held_poll_ms=0), clock, plan)
    assert worker.run()
    assert kept.passes == [3, 1]


def test_an_end_does_not_wait_for_a_mini_batch_to_fill() -> None:
    plan = [lambda feed: feed.arrive(2), Feed.end]
    worker, _, kept = worker_of(
        Trigger(max_rows=100, hold_rows=100, hold_ms=60_000, held_poll_ms=0), ManualClock(), plan
    )
    assert worker.run()
    assert kept.passes == [2]


def test_only_small_passes_are_spaced_and_not_for_long() -> None:
    trigger = Trigger()
    assert trigger.spacing_ms(rows=0, duration_ms=1.0) == 0.0
    assert trigger.spacing_ms(rows=SMALL_ROWS, duration_ms=1.0) == 0.0
    assert 0 < trigger.spacing_ms(rows=1, duration_ms=0.5) <= MAX_SPACING_MS
    assert trigger.spacing_ms(rows=1, duration_ms=1_000.0) == MAX_SPACING_MS
    assert Trigger(max_rows=10, hold_rows=10, hold_ms=10).spacing_ms(rows=1, duration_ms=1.0) == 0.0


def test_what_was_written_is_acknowledged_before_the_positions_are_durable_and_committed_after(tmp_path: Path) -> None:
    clock = ManualClock()

    def wait_long(feed: Feed) -> None:
        clock.advance(SNAPSHOT_INTERVAL_MS)
        feed.arrive(1)

    worker, feed, _ = worker_of(Trigger(), clock, [lambda feed: feed.arrive(5), wait_long, Feed.end], tmp_path)
    assert worker.run()
    assert feed.journal[:4] == ["sink flush", "source flush", "snapshot 1", "commit 6"]


def test_passes_go_on_while_a_snapshot_is_written_and_are_not_in_it(tmp_path: Path) -> None:
    clock = ManualClock()
    passed = threading.Event()

    class SlowStore(LoggedStore):
        def write(self, fingerprint: str, positions: Mapping[str, Any], arrays: Mapping[str, Any]) -> Any:
            assert passed.wait(DEADLINE_S)
            return super().write(fingerprint, positions, arrays)

    def wait_long(feed: Feed) -> None:
        clock.advance(SNAPSHOT_INTERVAL_MS)
        feed.arrive(1)

    def stop_after_another_pass(feed: Feed) -> None:
        assert kept.passes == [5, 1, 7]
        passed.set()
        worker.stop()

    plan = [lambda feed: feed.arrive(5), wait_long, lambda feed: feed.arrive(7), stop_after_another_pass]
    worker, feed, kept = worker_of(Trigger(), clock, plan, tmp_path, store_kind=SlowStore)
    assert not worker.run()
    commits = [entry for entry in feed.journal if entry.startswith(("commit", "snapshot"))]
    assert commits == ["snapshot 1", "commit 6", "snapshot 2", "commit 13"]


def test_a_snapshot_that_cannot_be_written_ends_the_job(tmp_path: Path) -> None:
    clock = ManualClock()

    class FullStore(LoggedStore):
        def write(self, fingerprint: str, positions: Mapping[str, Any], arrays: Mapping[str, Any]) -> Any:
            raise SnapshotError("a snapshot cannot be written: No space left on device")

    def wait_long(feed: Feed) -> None:
        clock.advance(SNAPSHOT_INTERVAL_MS)
        feed.arrive(1)

    worker, feed, _ = worker_of(Trigger(), clock, [wait_long, Feed.end], tmp_path, store_kind=FullStore)
    with pytest.raises(SnapshotError, match="No space"):
        worker.run()
    assert not any(entry.startswith("commit") for entry in feed.journal)


def test_a_snapshot_that_is_taken_while_input_is_held_stands_before_it(tmp_path: Path) -> None:
    clock = ManualClock()
    found: list[Snapshot | None] = []

    def wait_long(feed: Feed) -> None:
        clock.advance(SNAPSHOT_INTERVAL_MS)

    def look(feed: Feed) -> None:
        until((tmp_path / "snapshots" / "00000001").exists, "the snapshot is written")
        found.append(SnapshotStore(tmp_path, disk=SystemDisk(), clock=clock).newest())

    plan = [lambda feed: feed.arrive(5), lambda feed: feed.arrive(3), wait_long, look, lambda feed: feed.arrive(2)]
    trigger = Trigger(max_rows=5, hold_rows=5, hold_ms=6 * SNAPSHOT_INTERVAL_MS, held_poll_ms=0)
    worker, feed, kept = worker_of(trigger, clock, [*plan, Feed.end], tmp_path)
    assert worker.run()
    assert kept.passes == [5, 5]
    assert feed.journal[:4] == ["sink flush", "source flush", "snapshot 1", "commit 5"]
    (snapshot,) = found
    assert snapshot is not None
    assert snapshot.positions["sequence"] == 5
    assert list(snapshot.positions["sources"].values()) == [{"next": 5}]


def test_what_is_reported_while_input_is_held_is_of_the_rows_before_it() -> None:
    clock = ManualClock()
    cuts: list[Any] = []

    def second(feed: Feed) -> None:
        clock.advance(1_000)

    plan = [lambda feed: feed.arrive(5), lambda feed: feed.arrive(3), second, Feed.end]
    trigger = Trigger(max_rows=5, hold_rows=5, hold_ms=60_000, held_poll_ms=0)
    worker, _, _ = worker_of(trigger, clock, plan, observe=lambda worker: cuts.extend(worker.cut().values()))
    assert worker.run()
    assert cuts == [{"next": 5}, {"next": 8}]


def test_a_worker_that_is_stopped_while_it_holds_input_passes_it_on(tmp_path: Path) -> None:
    clock = ManualClock()
    stop: list[Callable[[], None]] = []

    def stop_late(feed: Feed) -> None:
        clock.advance(HOUSEKEEPING_MS)
        stop[0]()

    trigger = Trigger(max_rows=5, hold_rows=5, hold_ms=60_000, held_poll_ms=0)
    plan = [lambda feed: feed.arrive(3), lambda feed: clock.advance(HOUSEKEEPING_MS), stop_late]
    worker, feed, kept = worker_of(trigger, clock, plan, tmp_path)
    stop.append(worker.stop)
    assert not worker.run()
    assert kept.passes == [3]
    assert feed.journal[-1] == "commit 3"


def test_a_stopped_worker_leaves_a_snapshot_and_the_next_goes_on_from_it(tmp_path: Path) -> None:
    stop: list[Callable[[], None]] = []

    def stop_now(feed: Feed) -> None:
        feed.arrive(2)
        stop[0]()

    worker, feed, kept = worker_of(Trigger(), ManualClock(), [lambda feed: feed.arrive(5), stop_now], tmp_path)
    stop.append(worker.stop)
    assert not worker.run()
    assert kept.passes == [5, 2]
    assert feed.journal[-1] == "commit 7"

    worker, feed, kept = worker_of(Trigger(), ManualClock(), [lambda feed: feed.arrive(1) or feed.end()], tmp_path)
    assert worker.restore()
    assert feed.positions() == {"next": 7}
    assert worker.run()
    assert kept.passes == [1]
    assert SnapshotStore(tmp_path, disk=SystemDisk(), clock=ManualClock()).newest() is None


def test_a_snapshot_of_another_query_is_refused(tmp_path: Path) -> None:
    SnapshotStore(tmp_path, disk=SystemDisk(), clock=ManualClock()).write("old plan", {"sequence": 0}, {})
    worker, _, _ = worker_of(Trigger(), ManualClock(), [], tmp_path)
    with pytest.raises(OtherQueryError, match="another query") as refused:
        worker.restore()
    assert "--fresh" in str(refused.value)


@pytest.mark.parametrize("layout", [STATE_LAYOUT - 1, STATE_LAYOUT + 1, None])
def test_a_snapshot_that_another_release_laid_out_is_refused(tmp_path: Path, layout: int | None) -> None:
    worker, _, _ = worker_of(Trigger(), ManualClock(), [], tmp_path)
    snapshots = SnapshotStore(tmp_path, disk=SystemDisk(), clock=ManualClock())
    snapshots.write(worker.fingerprint, {"sequence": 0}, {})
    (manifest,) = tmp_path.rglob("manifest.json")
    written = json.loads(manifest.read_text())
    told = {"layout": layout, "release": "0.0.9"} if layout is not None else {}  # or from before it was written down
    kept = {name: value for name, value in written.items() if name not in ("layout", "release", CHECKSUM)}
    manifest.write_text(json.dumps({**kept, **told}))

    with pytest.raises(OtherLayoutError, match=f"reads layout {STATE_LAYOUT}") as refused:
        worker.restore()

    assert "--fresh" in str(refused.value)
    assert layout is None or "riacho 0.0.9" in str(refused.value)


MINI_BATCHES = """
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 s';
SET 'table.exec.mini-batch.size' = '10';
"""


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ("", [4, 4, 4, 1]),
        (MINI_BATCHES, [10, 3]),
        (f"{MINI_BATCHES} SET 'table.exec.mini-batch.enabled' = 'false';", [4, 4, 4, 1]),
        (f"{MINI_BATCHES} SET 'table.exec.mini-batch.size' = '5';", [5, 5, 3]),
        (f"{MINI_BATCHES} RESET 'table.exec.mini-batch.enabled';", [4, 4, 4, 1]),
    ],
)
def test_the_mini_batch_options_of_a_script_decide_what_a_pass_takes(options: str, passes: list[int]) -> None:
    (job,) = compile_job_script(options + SQL, None, {}).jobs
    plan = [*([lambda feed: feed.arrive(4)] * 3), lambda feed: feed.arrive(1) or feed.end()]
    worker, _, kept = worker_of(trigger_of(dict(job.options)), ManualClock(), plan)
    assert worker.run()
    assert kept.passes == passes


def test_the_mini_batch_of_a_script_waits_no_longer_than_it_says() -> None:
    (job,) = compile_job_script(MINI_BATCHES + SQL, None, {}).jobs
    clock = ManualClock()
    plan = [
        lambda feed: feed.arrive(1),
        lambda feed: clock.advance(999) or feed.arrive(2),
        lambda feed: clock.advance(1),
        lambda feed: feed.arrive(1) or feed.end(),
    ]
    worker, _, kept = worker_of(trigger_of(dict(job.options)), clock, plan)
    assert worker.run()
    assert kept.passes == [3, 1]


class Shown(Kept):
    """A sink that keeps the rows of its changes."""

    def __init__(self, journal: list[str]) -> None:
        super().__init__(journal)
        self.changes: list[tuple[Any, ...]] = []

    def write(self, batch: Batch) -> None:
        self.changes += [(*row, sign) for row, sign in zip(batch.frame.rows(), batch.signs().tolist(), strict=True)]


@pytest.mark.parametrize(("options", "counts"), [("", [1, 2, 3]), ("SET 'table.exec.state.ttl' = '1 s';", [1, 2, 1])])
def test_the_time_to_live_of_a_script_is_that_of_its_state(
    options: str, counts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"""
    {options}
    CREATE TABLE t (n BIGINT) WITH ('connector' = 'datagen');
    CREATE TABLE o (k BIGINT, c BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO o SELECT MOD(n, 1), COUNT(*) FROM t GROUP BY MOD(n, 1);
    """
    clock = ManualClock(wall_ms=1_000)
    plan = [
        lambda feed: feed.arrive(1),
        lambda feed: clock.advance(999) or feed.arrive(1),
        lambda feed: clock.advance(1_000) or feed.arrive(1),
        Feed.end,
    ]
    shown = Shown([])
    monkeypatch.setattr(script, "open_source", lambda scan, environment: Feed(environment.on_arrival, plan))
    monkeypatch.setattr(script, "open_sink", lambda table, environment: shown)
    (job,) = compile_job_script(text, None, {}).jobs
    worker, wiring = script.open_worker(job, script.JobContext("job", clock, SystemDisk()))
    assert worker.run()
    wiring.close()
    assert [count for _, count, sign in shown.changes if sign > 0] == counts
