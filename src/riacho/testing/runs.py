"""Runs a test's script over its input, cut into passes of some size, with restarts in between."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from riacho.dataflow.connectors import ConnectorEnvironment, open_source
from riacho.dataflow.expressions import Settings, zone
from riacho.dataflow.graph import Graph
from riacho.dataflow.sinks.constraints import constrained
from riacho.dataflow.sources import Source
from riacho.errors import RiachoError, UsageError
from riacho.host import Disk, ManualClock
from riacho.jobs.script import LOCAL_TIME_ZONE, compile_job_script
from riacho.jobs.snapshot import SnapshotStore
from riacho.jobs.trigger import Trigger
from riacho.jobs.worker import Arrivals as ArrivalSignal
from riacho.jobs.worker import Wiring, Worker
from riacho.plan.relations import Job
from riacho.sql.session import Script
from riacho.testing.cases import ERROR, Case, read_utf8
from riacho.testing.records import Record, read_records
from riacho.testing.scripted import Arrivals, KeptRows, Letters, ScriptedSource
from riacho.user_functions.loading import PythonModules

NOON_2024 = 1_704_110_400_000
"""What time it is in a test: noon of the first of January 2024, in UTC."""

NOWHERE = "nowhere:9092"
"""The cluster of a test, which is not there."""

FED = ("kafka", "upsert-kafka")
"""Connectors whose tables get their records from the input file; tables of others are read for real."""

HOLD_MS = 1_000_000
"""A pass waits for its number of rows; the clock stands still."""

WHOLE_ROWS = 100_000
"""Rows of a pass that takes everything."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Passes of `rows[i]` rows between the i-th restart and the next; a restart after so many records."""

    rows: tuple[int, ...]
    restarts: tuple[int, ...] = ()

    def __str__(self) -> str:
        if self == WHOLE:
            return "all rows in one pass"
        passes = f"passes of {' then '.join(map(str, self.rows))} row{'s' * (self.rows != (1,))}"
        if not self.restarts:
            return passes
        return f"{passes}, restarted after {', '.join(map(str, self.restarts))} records"


WHOLE = Cut((WHOLE_ROWS,))
ONE_BY_ONE = Cut((1,))


def random_cut(dice: random.Random) -> Cut:
    """Some passes, and maybe restarts."""
    rows = tuple(dice.randrange(1, 10) for _ in range(dice.randrange(1, 5)))
    return Cut(rows, tuple(sorted({dice.randrange(1, 41) for _ in range(dice.randrange(4))})))


@dataclass(frozen=True, slots=True)
class Compiled:
    """A test's jobs and its input."""

    script: Script
    records: tuple[Record, ...]


def compiled(case: Case, variables: Mapping[str, str] | None = None, files: Sequence[Path] = ()) -> Compiled:
    """Read a test; `files` hold Python functions. `${KAFKA}` and `${HERE}` are filled in here. Raises `RiachoError`."""
    records = read_records(read_utf8(case.input), case.input.name) if case.input.exists() else []
    own = [case.python] if case.python.exists() else []
    given = {**(variables or {}), "KAFKA": NOWHERE, "HERE": str(case.sql.parent)}
    script = compile_job_script(read_utf8(case.sql), case.sql.name, given, PythonModules([*files, *own]))
    tables = {table for job in script.jobs for table in _tables(job)}
    unknown = next((record for record in records if record.table not in tables), None)
    if unknown is not None:
        raise UsageError(
            f"no query reads the table {unknown.table}",
            where=f"{case.input.name}:{unknown.line}",
            mend=f"the tables are {', '.join(sorted(tables))}" if tables else None,
        )
    case.check_expected({sink.table.name for job in script.jobs for sink in job.sinks})
    return Compiled(script, tuple(records))


def outcome(test: Compiled, cut: Cut, disk: Disk, folder: Path) -> list[str]:
    """The lines of an expected file. Snapshots are kept in `folder`, which must be empty."""
    lines: list[str] = []
    for number, job in enumerate(test.script.jobs):
        try:
            lines += _run(job, test.records, cut, SnapshotStore(folder / str(number), disk=disk, clock=_clock()))
        except RiachoError as error:
            return [f"{ERROR}{error.what}"]
    return sorted(lines)


def _run(job: Job, records: Sequence[Record], cut: Cut, snapshots: SnapshotStore) -> list[str]:
    """Run a job over the records of its tables, in as many lives as there are restarts, and one."""
    tables = _tables(job)
    mine = [record for record in records if record.table in tables]
    letters, sinks, skipped, late = Letters(), dict[str, KeptRows](), 0, 0
    stops = [*sorted({stop for stop in cut.restarts if 0 < stop < len(mine)}), None]
    arrivals = Arrivals(mine)
    options = dict(job.options)
    time_zone = options.get(LOCAL_TIME_ZONE, "UTC")
    for life, stop in enumerate(stops):
        graph = Graph.build(job, _settings(job))
        signal = ArrivalSignal()
        environment = ConnectorEnvironment(
            clock=_clock(), bootstrap_servers=NOWHERE, on_arrival=signal.notify, time_zone=time_zone
        )
        sources: dict[str, Source] = {
            scan_id: ScriptedSource(scan, arrivals, letters, environment)
            if scan.table.connector in FED
            else open_source(scan, ConnectorEnvironment(on_arrival=signal.notify))
            for scan_id, scan in graph.scans.items()
        }
        sinks = {sink_id: sinks.get(sink_id) or KeptRows(sink) for sink_id, sink in graph.sinks.items()}
        written_to = {
            sink_id: constrained(sinks[sink_id], sink.table, options) for sink_id, sink in graph.sinks.items()
        }
        size = cut.rows[life % len(cut.rows)]
        worker = Worker(
            graph,
            Wiring(sources, written_to, signal),
            trigger=Trigger(max_rows=size, hold_rows=size, hold_ms=HOLD_MS, held_poll_ms=0),
            clock=environment.clock,
            fingerprint="test",
            snapshots=snapshots,
        )
        arrivals.stop_at, arrivals.on_stop = stop, worker.stop
        worker.restore()
        finished = worker.run()
        assert finished is (stop is None)
        late = sum(each.late_rows for each in graph.metrics())
        skipped += sum(source.counts.skipped for source in sources.values())
    lines = [line for sink in sinks.values() for line in sink.lines()] + letters.lines
    return lines + [f"{what} {count}" for what, count in (("late", late), ("skipped", skipped)) if count]


def _tables(job: Job) -> set[str]:
    return {scan.table.name for scan in Graph.build(job, _settings(job)).scans.values()}


def _settings(job: Job) -> Settings:
    return Settings(zone=zone(dict(job.options).get(LOCAL_TIME_ZONE, "UTC")), clock=_clock())


def _clock() -> ManualClock:
    return ManualClock(NOON_2024)
