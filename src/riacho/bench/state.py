"""What an event costs as state grows: CPU of stateful queries of the Nexmark suite, early and late in a long run.

Their memory has been backed before (`backed_memory`): what the machine takes to find it is the same for every page, but
the first ones are often those that the process before has just left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from riacho.bench.backed_memory import available_bytes, backed_for
from riacho.bench.nexmark.child import Measured
from riacho.bench.nexmark.events import generated
from riacho.bench.nexmark.peers import Riacho
from riacho.bench.nexmark.workload import GENERATED_RATE

QUERIES = ("q9", "q16", "q18", "q20")
"""Their state grows with every event: rows of two tables, distinct values, and the newest row of each key."""

EARLY, LATE = (1 / 30, 1 / 10), (9 / 10, 1.0)
"""The parts of a run that are compared: from one to three million of thirty, and the last three."""

BACKED_BYTES = 300
"""Memory that an event of the query that keeps the most takes."""

Progress = Callable[[str, int], None]
"""Told what is being done, and how many events of it are done."""


@dataclass(frozen=True, slots=True)
class Growth:
    """CPU per event in microseconds, of all threads, in both parts of the run."""

    query: str
    events: int
    early_us: float
    late_us: float
    peak_rss_mb: float

    @property
    def ratio(self) -> float:
        """How many times what it cost early an event costs late."""
        return self.late_us / self.early_us


def run(directory: Path, *, names: Sequence[str], events: int, progress: Progress) -> list[Growth]:
    """Measure the queries one after another, from the generator into `blackhole`. Raises `RiachoError`."""
    backed = min(BACKED_BYTES * events, available_bytes() // 2)
    engine = Riacho(directory, generated(events, GENERATED_RATE), beside=lambda pid: backed_for(pid, backed))
    return [_growth(engine, name, progress) for name in names]


def _growth(engine: Riacho, query: str, progress: Progress) -> Growth:
    points: list[tuple[int, float]] = []

    def note(events: int, cpu_s: float) -> None:
        points.append((events, cpu_s))
        progress(query, events)

    progress(query, 0)
    return growth(query, points, engine.measure(query, note))


def growth(query: str, points: Sequence[tuple[int, float]], whole: Measured) -> Growth:
    """What the measurements of a run say, which are a second apart: between them the cost is taken as even.

    >>> whole = Measured(events=100, elapsed_s=1.0, cpu_s=1.1, peak_rss_mb=50.0)
    >>> round(growth("q9", [(0, 5.0), (90, 5.9), (100, 6.1)], whole).ratio, 9)
    2.0
    """
    counts, cpu_s = np.array(points, np.float64).T

    def cost(part: tuple[float, float]) -> float:
        low, high = (share * whole.events for share in part)
        first, last = np.interp([low, high], counts, cpu_s)
        return float(last - first) / (high - low) * 1e6

    return Growth(query, whole.events, cost(EARLY), cost(LATE), whole.peak_rss_mb)
