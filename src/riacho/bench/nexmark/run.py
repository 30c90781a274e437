"""All queries in turn, on ours and on the peer, over the same events."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from riacho.bench.nexmark import events as stored
from riacho.bench.nexmark import queries
from riacho.bench.nexmark.child import Measured
from riacho.bench.nexmark.peers import FLINK_WARM_EVENTS, DuckDB, Engine, FlinkEngine, Riacho
from riacho.bench.nexmark.queries import Options
from riacho.bench.nexmark.workload import Peer, Source, Workload
from riacho.bench.process import serve_broker
from riacho.errors import RiachoError

Progress = Callable[[str, int], None]
"""Told what is being done, and how many events of it are done."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One query: what it took, or why it did not go."""

    query: str
    ours: Measured | None
    peer: Measured | None
    refused: str | None = None
    peer_refused: str | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the peer's rate ours is."""
        if self.ours is None or self.peer is None:
            return None
        return self.ours.events_per_s / self.peer.events_per_s


def geometric_mean(outcomes: Sequence[Outcome]) -> float | None:
    """Of the ratios that there are."""
    ratios = [outcome.ratio for outcome in outcomes if outcome.ratio is not None]
    return math.exp(math.fsum(map(math.log, ratios)) / len(ratios)) if ratios else None


def run(directory: Path, workload: Workload, progress: Progress) -> list[Outcome]:
    """Measure every query, on ours and then on the peer. A query that is refused leaves its reason."""
    workload.check()
    queries.write_side_input(directory)
    outcomes = []
    with _engines(directory, workload, progress) as engines:
        for name in workload.names:
            measured: list[Measured | None] = []
            refused: list[str | None] = []
            for engine in engines:
                what = f"{name} {engine.name}"
                progress(what, 0)
                try:
                    measured.append(engine.measure(name, partial(_events_alone, progress, what)))
                    refused.append(None)
                except RiachoError as error:
                    measured.append(None)
                    refused.append(str(error))
            alone = len(engines) == 1
            outcomes.append(
                Outcome(name, measured[0], None if alone else measured[1], refused[0], None if alone else refused[1])
            )
    return outcomes


def _events_alone(progress: Progress, what: str, events: int, cpu_s: float) -> None:
    del cpu_s
    progress(what, events)


@contextmanager
def _engines(directory: Path, workload: Workload, progress: Progress) -> Iterator[list[Engine]]:
    """Ours and the peer, and the events where both read them."""
    files = directory / "events"
    slots = os.cpu_count() or 1
    with ExitStack() as stack:
        if workload.events_from is Source.FILES or workload.peer is Peer.DUCKDB:
            written = "writing events"
            stored.write_files(files, workload.events, workload.rate, lambda done: progress(written, done))
        source: Options
        warming: Options
        match workload.events_from:
            case Source.NEXMARK:
                source = stored.generated(workload.events, workload.rate)
                warming = stored.generated(min(workload.events, FLINK_WARM_EVENTS), workload.rate)
            case Source.FILES:
                source = warming = stored.in_files(files)
            case Source.KAFKA:
                broker = stack.enter_context(serve_broker(directory))
                progress("writing events", 0)
                stored.fill_topic(broker.address, workload.events, workload.rate)
                source = stored.in_topic(broker.address)
                warming = stored.in_topic(broker.address, min(workload.events, FLINK_WARM_EVENTS))
        engines: list[Engine] = [Riacho(directory, source, workload.batch)]
        match workload.peer:
            case Peer.DUCKDB:
                engines.append(DuckDB(directory, files, workload.events, slots))
            case Peer.FLINK:
                progress("starting Flink", 0)
                flink = FlinkEngine(directory, source, warming, workload.events, slots, workload.jars)
                engines.append(stack.enter_context(flink))
        yield engines
