"""The worker loop: gather rows, run a pass, write the results, take a snapshot now and then.

Order is everything here. Results are written before the positions that they came from are made durable, so a kill
repeats the passes since the last snapshot and loses none (at least once); a stop takes a snapshot after its last pass
and so repeats none.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from riacho import __version__
from riacho.dataflow.graph import Graph
from riacho.dataflow.operator import AFRESH, STATE_LAYOUT
from riacho.dataflow.sinks import Finishing, Sink
from riacho.dataflow.sources import Positions, Source
from riacho.errors import UsageError
from riacho.host import Clock
from riacho.jobs.alignment import SourceAlignment
from riacho.jobs.intake import Intake
from riacho.jobs.measurements import Measurements
from riacho.jobs.snapshot import SnapshotStore
from riacho.jobs.snapshot_writer import SnapshotWriter
from riacho.jobs.trigger import Trigger

SNAPSHOT_INTERVAL_MS = 10_000

HOUSEKEEPING_MS = 100
"""How long the loop waits for rows at most: idle splits, measurements and snapshots want to be looked after."""

log = logging.getLogger(__name__)


class OtherQueryError(UsageError):
    """A job was to go on from the state of another query."""


class OtherLayoutError(UsageError):
    """A job was to go on from state that a release wrote which lays it out otherwise."""


class Arrivals:
    """Told by sources, from any thread, that there is something to poll."""

    def __init__(self) -> None:
        self._arrived = threading.Event()

    def notify(self) -> None:
        self._arrived.set()

    def wait(self, milliseconds: float) -> None:
        """Return when something has arrived since the last call, or after the time."""
        self._arrived.wait(milliseconds / 1000)
        self._arrived.clear()


@dataclass(frozen=True, slots=True)
class Wiring:
    """A job's ends: the source of each scan and the sink of each sink of its graph, by id."""

    sources: Mapping[str, Source]
    sinks: Mapping[str, Sink]
    arrivals: Arrivals

    def close(self) -> None:
        """Let go of all ends; sinks flush first."""
        for sink in self.sinks.values():
            sink.close()
        for source in self.sources.values():
            source.close()


class Worker:
    """Runs one job in the calling thread until its sources end or `stop` is called."""

    def __init__(
        self,
        graph: Graph,
        wiring: Wiring,
        *,
        trigger: Trigger,
        clock: Clock,
        fingerprint: str,
        snapshots: SnapshotStore | None = None,
        observe: Callable[[Worker], None] | None = None,
    ) -> None:
        self._graph = graph
        self._wiring = wiring
        self._trigger = trigger
        self._clock = clock
        self.fingerprint = fingerprint
        self._snapshots = snapshots
        self._writer = None if snapshots is None else SnapshotWriter(snapshots, fingerprint)
        self._observe = observe
        self._intake = Intake(graph.scans)
        self._alignment = SourceAlignment(graph.alignments(), graph.slowest_splits, clock)
        self._stopped = threading.Event()
        self._ended: set[str] = set()
        self._going = list(wiring.sources)
        """The scans that have not ended."""
        self._splits = dict.fromkeys(wiring.sources, 0)
        self._finished_splits: dict[str, frozenset[int]] = {scan: frozenset() for scan in wiring.sources}
        self._turn = 0
        self._gathering_ms = self._oldest_ms = clock.monotonic_ms()
        self._before: dict[str, Callable[[], Positions]] = {}
        """Where the sources stood before the rows that are held."""
        self._spacing_ms = 0.0
        self.measurements = Measurements(clock)

    def stop(self) -> None:
        """Make `run` end after the pass that it is in. From another thread, or from within a pass; not from a signal's
        handler, which may interrupt the worker where it holds the locks that this takes.
        """
        self._stopped.set()
        for source in self._wiring.sources.values():
            source.wake()
        self._wiring.arrivals.notify()

    def restore(self) -> bool:
        """Go on from the newest snapshot, if there is one. Only before `run`.

        Raises `SnapshotError` where none can be read, `OtherQueryError` where it is another query's, `OtherLayoutError`
        where it is another release's.
        """
        snapshot = self._snapshots.newest() if self._snapshots is not None else None
        if snapshot is None:
            return False
        if snapshot.fingerprint != self.fingerprint:
            raise OtherQueryError(
                "the job's snapshots are of another query than the script's",
                mend=f"{AFRESH}; or run the new query under another name: --name NAME",
            )
        if snapshot.layout != STATE_LAYOUT:
            raise OtherLayoutError(
                f"the job's state was written by riacho {snapshot.release} in layout {snapshot.layout}, "
                f"and this riacho, {__version__}, reads layout {STATE_LAYOUT}",
                mend=f"go on with the riacho that wrote it; or {AFRESH}",
            )
        self._graph.restore(snapshot.arrays)
        self._intake.next_sequence = int(snapshot.positions["sequence"])
        self._end(snapshot.positions["ended"])
        for scan, positions in snapshot.positions["sources"].items():
            self._wiring.sources[scan].seek(positions)
        for sink, positions in snapshot.positions.get("sinks", {}).items():
            self._wiring.sinks[sink].restore(positions)
        log.info("going on from snapshot %d, %d bytes of state", snapshot.number, snapshot.bytes)
        return True

    def connect(self) -> None:
        """Reach the sources, so that what is not there is known before the job counts as running.

        Only after `restore`. Raises `RiachoError`: no such topic, no such broker.
        """
        self._assign_splits()
        self._update_measurements(final=True)  # there is something to tell of even while the first pass runs

    def run(self) -> bool:
        """Process until the sources end (True) or `stop` (False). Raises what ended the job otherwise."""
        try:
            return self._run()
        finally:
            if self._writer is not None:
                self._writer.close()

    def _run(self) -> bool:
        if self._writer is not None and self._sink_positions():
            # Or a kill before the first one would leave nothing to put its results back to.
            self._take_snapshot(wait=True)
        snapshot_due = self._clock.monotonic_ms() + SNAPSHOT_INTERVAL_MS
        finished = not self._wiring.sources and self._pass()
        while not finished and (self._intake.rows or not self._stopped.is_set()):
            if self._gather():
                finished = self._pass()
            if self._writer is not None:
                self._writer.settle(wait=False)
            now = self._clock.monotonic_ms()
            if now >= snapshot_due and not finished and not (self._writer is not None and self._writer.busy):
                self._take_snapshot(wait=False)
                snapshot_due = self._clock.monotonic_ms() + SNAPSHOT_INTERVAL_MS
            self._measure()
        if finished:
            self._finish()
        else:
            self._take_snapshot(wait=True)
        self._measure(final=True)
        return finished

    def _gather(self) -> bool:
        """Fill the intake as the trigger says; True once a pass is due, which it is when the job is stopped.

        Returns after `HOUSEKEEPING_MS`, with rows or without: an empty pass is due then, for silence has its duties
        too, such as idle splits; rows that are to be held longer stay in the intake, and no pass is due. When a window
        of processing time closes a pass is due at once.
        """
        intake, trigger = self._intake, self._trigger
        if self._spacing_ms > 0:
            self._stopped.wait(self._spacing_ms / 1000)
        now = self._clock.monotonic_ms()
        housekeeping_ms = now + HOUSEKEEPING_MS
        wake_ms = self._wake_ms(now)
        if not intake.rows:
            self._gathering_ms = self._oldest_ms = now
            if trigger.holds:
                self._before = {scan: source.mark() for scan, source in self._wiring.sources.items()}
        polls = 0
        while True:
            came = self._poll_all()
            polls += 1
            now = self._clock.monotonic_ms()
            if came == intake.rows:
                self._oldest_ms = now
            if self._stopped.is_set() or intake.bytes >= trigger.max_bytes:
                return True
            left = housekeeping_ms - now
            if wake_ms is not None:
                if wake_ms <= now:
                    return True
                left = min(left, wake_ms - now)
            if intake.rows:
                held_ms = trigger.wait_ms(rows=intake.rows, oldest_ms=self._oldest_ms, now_ms=now)
                if held_ms <= 0:
                    return True
                left = min(left, held_ms)
            if self._all_finished():
                return True
            if left <= 0:
                return not intake.rows
            if came:  # whoever had something says nothing of more: ask again, but not for every few rows
                self._stopped.wait(trigger.ask_again_ms(polls=polls, rows=came, left_ms=left) / 1000)
                continue
            self._wiring.arrivals.wait(left)
            if not intake.rows:
                self._gathering_ms = self._clock.monotonic_ms()

    def _wake_ms(self, now_ms: float) -> float | None:
        """When the graph wants a pass whether or not rows come; None where the last pass could not satisfy it."""
        moment = self._graph.wake_at_ms
        if moment is None or (wait_ms := moment - self._clock.now_ms()) <= 0:
            return None
        return now_ms + wait_ms

    def _poll_all(self) -> int:
        """Poll every source once that is not ahead of its group, beginning with another each time; returns the number
        of rows."""
        intake, trigger = self._intake, self._trigger
        ahead = self._alignment.ahead()
        for scan in ahead:
            self._graph.not_asked(scan)
        asked = [scan for scan in self._going if scan not in ahead] if ahead else self._going
        if not asked:
            return 0
        before = intake.rows
        share = max(1, trigger.max_rows // len(asked))
        if len(asked) > 1:
            self._turn = (self._turn + 1) % len(asked)
            asked = asked[self._turn :] + asked[: self._turn]
        for scan in asked:
            room_rows, room_bytes = trigger.max_rows - intake.rows, trigger.max_bytes - intake.bytes
            if room_rows <= 0 or room_bytes <= 0:
                break
            most_rows = min(self._alignment.most_rows(scan, share), room_rows)
            rows = self._wiring.sources[scan].poll(most_rows, room_bytes, 0)
            if rows is not None and len(rows):
                self._alignment.came(scan, len(rows))
                intake.add(scan, rows)
        return intake.rows - before

    def _pass(self) -> bool:
        """Run what was gathered through the graph; True when every source has ended with it."""
        sources, intake = self._wiring.sources, self._intake
        ending = [scan for scan in self._going if sources[scan].finished]
        self._assign_splits()
        for segment in intake.segments(self._newly_finished(), ending):
            for outputs in self._graph.run_pass(segment.batches):
                if rejected := self._graph.take_rejected():
                    intake.reject(rejected, sources)
                for sink_id, batch in outputs.items():
                    if len(batch):
                        self._wiring.sinks[sink_id].write(batch)
            for scan, splits in segment.finished:
                self._graph.finish_splits(scan, splits)
        if ending:
            self._end(ending)
        duration_ms = self._clock.monotonic_ms() - self._gathering_ms
        self.measurements.passed(intake.rows, duration_ms)
        self._spacing_ms = self._trigger.spacing_ms(rows=intake.rows, duration_ms=duration_ms)
        intake.clear()
        return not self._going

    def _end(self, scans: Iterable[str]) -> None:
        """These have ended and are asked for nothing more."""
        self._ended.update(scans)
        self._going = [scan for scan in self._going if scan not in self._ended]

    def _assign_splits(self) -> None:
        """Tell the graph of splits that appeared."""
        for scan, source in self._wiring.sources.items():
            known, present = self._splits[scan], len(source.splits)
            if present > known:
                self._graph.assign_splits(scan, range(known, present))
                self._splits[scan] = present

    def _newly_finished(self) -> dict[str, frozenset[int]]:
        """The splits that have ended since the last pass, by scan."""
        ended = {}
        for scan, source in self._wiring.sources.items():
            finished = source.finished_splits
            if finished != self._finished_splits[scan]:
                ended[scan] = finished - self._finished_splits[scan]
                self._finished_splits[scan] = finished
        return ended

    def _all_finished(self) -> bool:
        return all(self._wiring.sources[scan].finished for scan in self._going)

    def _flush(self) -> None:
        for sink in self._wiring.sinks.values():
            sink.flush()
        for source in self._wiring.sources.values():
            source.flush()

    def cut(self) -> dict[str, Any]:
        """Where the last pass ended by scan id, after everything that was written up to there is acknowledged.

        Only between passes: what the sinks' tables hold now is the answer for exactly this prefix of the input. Rows
        that are held are none of it.
        """
        self._flush()
        if self._intake.rows:
            return {scan: before() for scan, before in self._before.items()}
        return self._source_positions()

    def _source_positions(self) -> dict[str, Positions]:
        return {scan: source.positions() for scan, source in self._wiring.sources.items()}

    def _sink_positions(self) -> dict[str, Positions]:
        return {name: found for name, sink in self._wiring.sinks.items() if (found := sink.positions())}

    def _take_snapshot(self, *, wait: bool) -> None:
        """Make the present state durable: first all that was written, then the positions that it came from.

        Passes may go on before it is (not to `wait`): what they add is not in it.
        """
        sources = self.cut()
        if self._writer is None:
            return
        self._writer.settle(wait=True)
        positions: dict[str, Any] = {
            "sequence": self._intake.first_sequence,
            "ended": sorted(self._ended),
            "sources": sources,
            "sinks": self._sink_positions(),
        }
        self._writer.begin(positions, self._graph.snapshot(), partial(self._commit, sources))
        if wait:
            self._writer.settle(wait=True)

    def _commit(self, positions: Mapping[str, Positions]) -> None:
        """Tell the sources where they stood at a snapshot that is durable."""
        for scan, source in self._wiring.sources.items():
            source.commit(positions[scan])

    def _finish(self) -> None:
        """The sources have ended: the results are final, and the next run begins anew."""
        if self._writer is not None:
            self._writer.settle(wait=True)
        for sink in self._wiring.sinks.values():
            if isinstance(sink, Finishing):
                sink.finish()
        self._flush()
        for source in self._wiring.sources.values():
            source.commit(source.positions())
        if self._snapshots is not None:
            self._snapshots.clear()

    def _measure(self, *, final: bool = False) -> None:
        if self._update_measurements(final=final) and self._observe is not None:
            self._observe(self)

    def _update_measurements(self, *, final: bool) -> bool:
        return self.measurements.update(self._graph, self._wiring.sources, self._wiring.sinks, final=final)
