"""The engines that a query is measured on, behind one seam: ours, DuckDB one-shot, Apache Flink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from riacho.bench.nexmark import child, queries
from riacho.bench.nexmark.child import Beside, Measured, Progress
from riacho.bench.nexmark.events import generated
from riacho.bench.nexmark.queries import Options
from riacho.bench.nexmark.workload import STORED_RATE
from riacho.bench.peers.flink import Flink, Memory

WARM_EVENTS = 50_000
"""What a process of ours does only once (imports, first touch of memory) is done with so many generated events."""
FLINK_WARM_EVENTS = 1_000_000
"""Flink's machine code is made while it runs: it gets many more."""

FLINK_SETTINGS: Options = {
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.allow-latency": "2 s",
    "table.exec.mini-batch.size": "50000",
    "table.optimizer.distinct-agg.split.enabled": "true",
}
"""As the suite sets them."""
FLINK_MEMORY = Memory(heap_mb=6144)


class Engine(Protocol):
    """What answers queries. It lives in a context."""

    @property
    def name(self) -> str: ...

    def measure(self, query: str, progress: Progress) -> Measured:
        """Run a query over all events. Raises `RiachoError` where the engine refuses it, or fails."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _InChildren:
    """An engine that needs no process between queries."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


@dataclass(frozen=True)
class Riacho(_InChildren):
    """Jobs of ours, each in a process of its own; `batch` is the number of rows of a pass."""

    directory: Path
    source: Options
    batch: int | None = None
    name: str = "riacho"
    beside: Beside = nullcontext

    def measure(self, query: str, progress: Progress) -> Measured:
        settings = _rows_of_a_pass(self.batch)
        request = {
            "script": queries.script(query, self.source, settings),
            "warming": queries.script(query, generated(WARM_EVENTS, STORED_RATE), settings),
            "variables": {"NEXMARK_DIR": str(self.directory)},
        }
        log = self.directory / "riacho.log"
        return child.measure("riacho.bench.nexmark.job", request, log, progress, self.beside)


def _rows_of_a_pass(batch: int | None) -> Options:
    if batch is None:
        return {}
    return {
        "table.exec.mini-batch.enabled": "true",
        "table.exec.mini-batch.allow-latency": "1 s",
        "table.exec.mini-batch.size": str(batch),
    }


@dataclass(frozen=True)
class DuckDB(_InChildren):
    """The same query once over the events in files, by as many threads as we have cores."""

    directory: Path
    files: Path
    events: int
    threads: int
    name: str = "duckdb"

    def measure(self, query: str, progress: Progress) -> Measured:
        request = {
            "query": queries.one_shot(query),
            "files": str(self.files),
            "side_input": str(self.directory / "side_input.txt"),
            "events": self.events,
            "threads": self.threads,
        }
        return child.measure("riacho.bench.nexmark.duckdb_query", request, self.directory / "duckdb.log", progress)


class FlinkEngine:
    """A Flink cluster for all queries; each runs once over fewer events first, until its code is compiled.

    CPU seconds are those of JobManager and TaskManager, memory is the TaskManager's highest so far.
    """

    name = "flink"

    def __init__(
        self, directory: Path, source: Options, warming: Options, events: int, slots: int, jars: Sequence[Path]
    ) -> None:
        self._directory = directory
        self._source, self._warming = source, warming
        self._events = events
        self._flink = Flink(directory / "flink", slots=slots, memory=FLINK_MEMORY, jars=jars)

    def __enter__(self) -> Self:
        self._flink.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flink.__exit__(kind, error, trace)

    def measure(self, query: str, progress: Progress) -> Measured:
        self._run(query, self._warming)
        before = self._flink.cpu_s()
        elapsed_s = self._run(query, self._source)
        spent_s = self._flink.cpu_s() - before
        progress(self._events, spent_s)
        return Measured(self._events, elapsed_s, spent_s, self._flink.peak_rss_mb())

    def _run(self, query: str, source: Mapping[str, str]) -> float:
        """Run a query to its end; how long the job took, as Flink tells it."""
        session = self._flink.session(FLINK_SETTINGS)
        try:
            script = queries.script(query, source).replace("${NEXMARK_DIR}", str(self._directory))
            *before, insert = queries.statements(script)
            for statement in before:
                session.execute(statement)
            return self._flink.wait(session.submit(insert)).duration_ms / 1000
        finally:
            session.close()
