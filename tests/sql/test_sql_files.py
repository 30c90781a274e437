"""SQL tests as files: what a script makes of its input, however the input is cut and wherever the job is restarted.

A test is three files: `<name>.sql` with the script, `<name>.input` with the records of its `kafka` and `upsert-kafka`
tables, `<name>.expected` with the rows that the sinks end up with. Nothing is to be added here. Tables of other
connectors are read for real; no sink is. The options `'topic'` and `'format'` are enough for a Kafka table. A fourth
file, `<name>.py`, may hold Python functions.

Input, a record a line in the order of arrival over all tables; the value stands as it would in Kafka, `null` is a
tombstone, and a key has no spaces:

    bids {"auction": 1, "price": 3}
    bids/1 time=1704067200000 headers={"who":"Ada"} {"auction": 2, "price": 4}
    rates key={"currency":"EUR"} null

Expected, in any order: `<table> <row as JSON>` for each row of the accumulated changelog; `late <n>` where rows came
behind the watermark; `skipped <n>`; `dead-letter <topic>/<partition>@<offset> <reason>`; `error <text>` where the job
fails with this text in its message. `EXPLAIN` and the like are not tested here, wrong scripts in `tests/sql_errors`.

`RIACHO_ACCEPT=1 pytest tests/sql` writes the expected files that are missing; read them before you commit them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scripted import Arrivals, KeptRows, Letters, ScriptedSource

from input_records import Record, read_records
from riacho.dataflow.connectors import ConnectorEnvironment, open_source
from riacho.dataflow.expressions import Settings, zone
from riacho.dataflow.graph import Graph
from riacho.dataflow.sinks.constraints import constrained
from riacho.dataflow.sources import Source
from riacho.errors import RiachoError
from riacho.host import ManualClock
from riacho.jobs.script import LOCAL_TIME_ZONE, compile_job_script
from riacho.jobs.snapshot import SnapshotStore
from riacho.jobs.trigger import Trigger
from riacho.jobs.worker import Arrivals as ArrivalSignal
from riacho.jobs.worker import Wiring, Worker
from riacho.plan.relations import Job
from riacho.sql.session import Script
from riacho.user_functions.loading import PythonModules
from simulated_disk import SimulatedDisk

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.sql"))
NOON_2024 = 1_704_110_400_000
WHOLE = 100_000
"""Rows of a pass that takes everything."""
HOLD_MS = 1_000_000
"""A pass waits for its number of rows; the clock stands still."""
STATE = Path("/state")
FED = ("kafka", "upsert-kafka")


@cache
def compiled(name: str) -> tuple[Script, Sequence[Record]]:
    path = HERE / f"{name}.sql"
    input_file = path.with_suffix(".input")
    records = read_records(input_file.read_text()) if input_file.exists() else []
    python = [file for file in (path.with_suffix(".py"),) if file.exists()]
    variables = {"KAFKA": "nowhere:9092", "HERE": str(HERE)}
    script = compile_job_script(path.read_text(), path.name, variables, PythonModules(python))
    tables = {scan.table.name for job in script.jobs for scan in Graph.build(job, Settings()).scans.values()}
    unknown = {record.table for record in records} - tables
    assert not unknown, f"{name}.input: no query reads {unknown}"
    return script, records


def outcome(name: str, rows: Sequence[int], restarts: Sequence[int]) -> list[str]:
    """The lines of an expected file: passes of `rows[i]` rows between the i-th restart and the next."""
    script, records = compiled(name)
    lines: list[str] = []
    for job in script.jobs:
        try:
            lines += run(job, records, rows, restarts)
        except RiachoError as error:
            return [f"error {error.what}"]
    return sorted(lines)


def run(job: Job, records: Sequence[Record], rows: Sequence[int], restarts: Sequence[int]) -> list[str]:
    """Run a job over the records of its tables, in as many lives as there are restarts, and one."""
    tables = {scan.table.name for scan in Graph.build(job, Settings()).scans.values()}
    mine = [record for record in records if record.table in tables]
    letters, sinks, skipped, late = Letters(), dict[str, KeptRows](), 0, 0
    stops = [*sorted({stop for stop in restarts if 0 < stop < len(mine)}), None]
    arrivals = Arrivals(mine)
    disk = SimulatedDisk(0)
    for life, stop in enumerate(stops):
        graph = Graph.build(job, settings_of(job))
        signal = ArrivalSignal()
        environment = ConnectorEnvironment(
            clock=ManualClock(NOON_2024),
            bootstrap_servers="nowhere:9092",
            on_arrival=signal.notify,
            time_zone=dict(job.options).get(LOCAL_TIME_ZONE, "UTC"),
        )
        sources: dict[str, Source] = {
            scan_id: ScriptedSource(scan, arrivals, letters, environment)
            if scan.table.connector in FED
            else open_source(scan, ConnectorEnvironment(on_arrival=signal.notify))
            for scan_id, scan in graph.scans.items()
        }
        sinks = {sink_id: sinks.get(sink_id) or KeptRows(sink) for sink_id, sink in graph.sinks.items()}
        written_to = {
            sink_id: constrained(sinks[sink_id], sink.table, dict(job.options)) for sink_id, sink in graph.sinks.items()
        }
        size = rows[life % len(rows)]
        worker = Worker(
            graph,
            Wiring(sources, written_to, signal),
            trigger=Trigger(max_rows=size, hold_rows=size, hold_ms=HOLD_MS, held_poll_ms=0),
            clock=environment.clock,
            fingerprint="test",
            snapshots=SnapshotStore(STATE, disk=disk, clock=environment.clock),
        )
        arrivals.stop_at, arrivals.on_stop = stop, worker.stop
        worker.restore()
        finished = worker.run()
        assert finished is (stop is None)
        late = sum(each.late_rows for each in graph.metrics())
        skipped += sum(source.counts.skipped for source in sources.values())
    lines = [line for sink in sinks.values() for line in sink.lines()] + letters.lines
    return lines + [f"{what} {count}" for what, count in (("late", late), ("skipped", skipped)) if count]


def settings_of(job: Job) -> Settings:
    return Settings(zone=zone(dict(job.options).get(LOCAL_TIME_ZONE, "UTC")), clock=ManualClock(NOON_2024))


@pytest.mark.parametrize("name", NAMES)
@example(rows=[WHOLE], restarts=[])
@example(rows=[1], restarts=[])
@given(
    rows=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    restarts=st.lists(st.integers(1, 40), max_size=3),
)
@settings(max_examples=6)
def test_the_sinks_end_up_with_the_expected_rows(name: str, rows: list[int], restarts: list[int]) -> None:
    lines = outcome(name, rows, restarts)
    path = HERE / f"{name}.expected"
    if not path.exists() and os.environ.get("RIACHO_ACCEPT"):
        path.write_text("".join(f"{line}\n" for line in lines))
    expected = sorted(line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#"))
    if expected and expected[0].startswith("error "):
        assert len(lines) == 1
        assert lines[0].startswith("error ")
        assert expected[0].removeprefix("error ") in lines[0]
    else:
        assert lines == expected


def test_every_file_belongs_to_a_test() -> None:
    data = {path.stem for path in HERE.iterdir() if path.suffix in (".input", ".expected")}
    assert data <= set(NAMES)
