"""From a script's text to running jobs: compile, wire the ends, restore, run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from riacho.dataflow.connectors import ConnectorEnvironment, check_table, open_sink, open_source
from riacho.dataflow.expressions import Settings, zone
from riacho.dataflow.fingerprint import Fingerprints
from riacho.dataflow.graph import Graph
from riacho.dataflow.sinks import Sink
from riacho.dataflow.sinks.constraints import constrained
from riacho.dataflow.sources import Source
from riacho.host import Clock, Disk
from riacho.host.memory import keep_freed_memory
from riacho.jobs.ahead import read_ahead
from riacho.jobs.snapshot import SnapshotStore
from riacho.jobs.trigger import trigger_of
from riacho.jobs.worker import Arrivals, Wiring, Worker
from riacho.plan.relations import Job
from riacho.sql.batch import is_batch
from riacho.sql.session import Script, compile_script
from riacho.user_functions.loading import PythonModules

LOCAL_TIME_ZONE = "table.local-time-zone"
STATE_TTL = "table.exec.state.ttl"
DEFAULT_TIME_ZONE = "UTC"
"""What `default`, and no SET at all, mean: the same answer on every machine."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job gets from the outside. Without a `directory` it keeps no snapshots.

    `kafka` is used by tables that name no servers themselves.
    """

    name: str
    clock: Clock
    disk: Disk
    directory: Path | None = None
    kafka: str | None = None


def compile_job_script(
    text: str, file: str | None, variables: Mapping[str, str], modules: PythonModules | None = None
) -> Script:
    """The script's jobs, every table's options checked. Raises `SqlError`."""
    return compile_script(text, file, variables, check_table, modules)


def job_fingerprint(job: Job) -> str:
    """What a job computes, as a short text: two scripts that differ in layout only have the same."""
    return _digest(job, Fingerprints())


def job_identity(job: Job) -> str:
    """What a job computes, and of which tables: two that read or write other topics have different ones."""
    return _digest(job, Fingerprints(connected=True))


def _digest(job: Job, fingerprints: Fingerprints) -> str:
    return sha256("\n".join(fingerprints.of(sink) for sink in job.sinks).encode()).hexdigest()[:16]


def open_worker(
    job: Job, context: JobContext, observe: Callable[[Worker], None] | None = None
) -> tuple[Worker, Wiring]:
    """A worker ready to run, gone on from its newest snapshot. The caller closes the wiring.

    Raises `RiachoError`: a source cannot be opened, a snapshot belongs to another query.
    """
    keep_freed_memory()
    options = dict(job.options)
    time_zone = options.get(LOCAL_TIME_ZONE, "default").replace("default", DEFAULT_TIME_ZONE)
    ttl_ms = 0 if is_batch(options) else int(options.get(STATE_TTL, "0"))
    settings = Settings(zone=zone(time_zone), clock=context.clock, state_ttl_ms=ttl_ms)
    graph = Graph.build(job, settings)
    arrivals = Arrivals()
    environment = ConnectorEnvironment(
        job=context.name,
        clock=context.clock,
        bootstrap_servers=context.kafka,
        time_zone=time_zone,
        on_arrival=arrivals.notify,
    )
    sources: dict[str, Source] = {}
    sinks: dict[str, Sink] = {}
    wiring = Wiring(sources, sinks, arrivals)
    with ExitStack() as undo:
        undo.callback(wiring.close)
        for scan_id, scan in graph.scans.items():
            sources[scan_id] = read_ahead(open_source(scan, environment))
        for sink_id, sink in graph.sinks.items():
            sinks[sink_id] = constrained(open_sink(sink, environment), sink.table, options)
        snapshots = None
        if context.directory is not None:
            snapshots = SnapshotStore(context.directory, disk=context.disk, clock=context.clock)
        worker = Worker(
            graph,
            wiring,
            trigger=trigger_of(options),
            clock=context.clock,
            fingerprint=job_fingerprint(job),
            snapshots=snapshots,
            observe=observe,
        )
        worker.restore()
        undo.pop_all()
    return worker, wiring
