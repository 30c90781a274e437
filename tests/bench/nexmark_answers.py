"""What a query of the Nexmark suite answers: ours as an accumulated changelog, DuckDB's over the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from riacho.bench.nexmark import duckdb_query, events, queries
from riacho.dataflow.batch import Batch
from riacho.dataflow.connectors import ConnectorEnvironment, open_source
from riacho.dataflow.expressions import Settings, zone
from riacho.dataflow.graph import Graph
from riacho.dataflow.sinks import SinkCounts
from riacho.dataflow.sources import Json, Positions
from riacho.host import Clock, SystemClock, SystemDisk
from riacho.jobs.script import compile_job_script
from riacho.jobs.snapshot import SnapshotStore
from riacho.jobs.trigger import Trigger
from riacho.jobs.worker import Arrivals, Wiring, Worker
from riacho.plan.relations import Job

RATE = 1_000
"""Events per second: some windows of ten seconds pass in a small run."""


@dataclass
class KeptChanges:
    """A sink that keeps its changelog."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    on_write: Callable[[], None] | None = None

    def write(self, batch: Batch) -> None:
        if self.on_write is not None:
            self.on_write()
        self.frames.append(batch.frame.with_columns(pl.Series("$sign", batch.signs())))

    def answer(self) -> pl.DataFrame:
        """The rows that there are in the end."""
        changes = pl.concat(self.frames)
        columns = [name for name in changes.columns if name != "$sign"]
        counted = changes.group_by(columns).agg(pl.col("$sign").cast(pl.Int64).sum()).filter(pl.col("$sign") != 0)
        assert (counted.get_column("$sign") > 0).all(), "retracted, but never there"
        rows = counted.select(pl.exclude("$sign").repeat_by("$sign").explode())
        return rows.sort(rows.columns)

    def flush(self) -> None:
        """Nothing waits."""

    def positions(self) -> Positions:
        return {}

    def restore(self, positions: Mapping[str, Json]) -> None:
        """Nothing was written outside."""

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(sum(frame.height for frame in self.frames))

    def close(self) -> None:
        """Nothing is held."""


def compiled(name: str, count: int, directory: Path) -> Job:
    """The job of a query over so many generated events."""
    text = queries.script(name, events.generated(count, RATE))
    (job,) = compile_job_script(text, f"{name}.sql", {"NEXMARK_DIR": str(directory)}).jobs
    return job


def worker(
    job: Job, kept: KeptChanges, rows: int, state: Path | None = None, clock: Clock | None = None
) -> tuple[Worker, Wiring]:
    """A worker over passes of so many rows."""
    clock = clock or SystemClock()
    graph = Graph.build(job, Settings(zone=zone("UTC"), clock=clock))
    arrivals = Arrivals()
    environment = ConnectorEnvironment(clock=clock, on_arrival=arrivals.notify)
    sources = {name: open_source(scan, environment) for name, scan in graph.scans.items()}
    wiring = Wiring(sources, dict.fromkeys(graph.sinks, kept), arrivals)
    snapshots = None if state is None else SnapshotStore(state, disk=SystemDisk(), clock=clock)
    made = Worker(
        graph, wiring, trigger=Trigger(max_rows=rows), clock=clock, fingerprint="nexmark", snapshots=snapshots
    )
    return made, wiring


def ours(job: Job, rows: int) -> pl.DataFrame:
    """Our answer, from passes of so many rows."""
    kept = KeptChanges()
    running, wiring = worker(job, kept, rows)
    try:
        assert running.run()
    finally:
        wiring.close()
    return kept.answer()


class Oracle:
    """DuckDB over so many events."""

    def __init__(self, directory: Path, count: int) -> None:
        self._directory = directory
        events.write_files(directory / "events", count, RATE, lambda _written: None)
        queries.write_side_input(directory)
        self._connection: Any = duckdb_query.connect(
            str(directory / "events"), str(directory / "side_input.txt"), threads=1
        )

    def answer(self, name: str, like: pl.DataFrame) -> pl.DataFrame:
        """The query's rows, under the names of our answer; their types have to be ours but for widths of integers."""
        path = self._directory / f"{name}.parquet"
        self._connection.execute(f"COPY ({queries.one_shot(name)}) TO '{path}' (FORMAT parquet)")
        rows = pl.read_parquet(path)
        assert rows.width == like.width
        rows = rows.rename(dict(zip(rows.columns, like.columns, strict=True)))
        return rows.cast(dict(like.schema), strict=True).sort(like.columns)
