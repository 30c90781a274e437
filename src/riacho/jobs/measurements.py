"""What a worker measures of itself, once a second: rates, latency, state, cost."""

from __future__ import annotations

import resource
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK
from riacho.dataflow.graph import Graph, OperatorMetrics
from riacho.dataflow.sinks import Sink
from riacho.dataflow.sources import Source
from riacho.host import Clock
from riacho.jobs.operator_tree import Line, operator_tree

INTERVAL_MS = 1_000

LATENCIES_KEPT = 512
"""Passes whose durations make the latency percentiles."""


class Measurements:
    """The newest measurements, as the JSON that `__riacho_metrics` carries. Rates are per second of the interval."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_ms = clock.monotonic_ms()
        self._cpu_s = _cpu_seconds()
        self._rows_in = 0
        self._rows_out = 0
        self._latencies: deque[float] = deque(maxlen=LATENCIES_KEPT)
        self._passes = 0
        self._pass_rows = 0
        self._tree: list[Line] = []
        self.current: dict[str, Any] = {}

    def passed(self, rows: int, duration_ms: float) -> None:
        """Note a pass that had rows: how many, and how long from the last of them to the written results."""
        if rows:
            self._latencies.append(duration_ms)
            self._passes += 1
            self._pass_rows += rows

    def update(
        self, graph: Graph, sources: Mapping[str, Source], sinks: Mapping[str, Sink], *, final: bool = False
    ) -> bool:
        """Measure anew if it is time (or `final`); whether it was."""
        now = self._clock.monotonic_ms()
        elapsed_s = (now - self._since_ms) / 1000
        if elapsed_s * 1000 < INTERVAL_MS and not final:
            return False
        counts = [source.counts for source in sources.values()]
        rows_in = sum(count.rows for count in counts)
        rows_out = sum(sink.counts.rows for sink in sinks.values())
        cpu_s = _cpu_seconds()
        operators = graph.metrics()
        going = [each for each in operators if NO_WATERMARK < each.watermark < END_OF_TIME]
        watermarks = [each.watermark for each in going if not each.idle] or [each.watermark for each in going]
        lags = [source.lag() for source in sources.values()]
        known_lags = [lag for lag in lags if lag is not None]
        elapsed_s = max(elapsed_s, 1e-6)
        self.current = {
            "at_ms": self._clock.now_ms(),
            "rows_in": rows_in,
            "rows_out": rows_out,
            "rows_in_per_s": (rows_in - self._rows_in) / elapsed_s,
            "rows_out_per_s": (rows_out - self._rows_out) / elapsed_s,
            "batch_rows": self._pass_rows / self._passes if self._passes else 0,
            "latency_p50_ms": self._latency(50),
            "latency_p99_ms": self._latency(99),
            "cpu_share": (cpu_s - self._cpu_s) / elapsed_s,
            "state_bytes": sum(each.state_bytes for each in operators),
            "watermark": min(watermarks, default=None),
            "held_back_by": _held_back(graph, sources),
            "idle_tables": [graph.scans[scan].table.name for scan in graph.idle_scans()],
            "late_rows": sum(each.late_rows for each in operators),
            "dead_letters": sum(count.dead_letters for count in counts),
            "skipped": sum(count.skipped for count in counts),
            "lag": sum(known_lags) if known_lags else None,
            "operators": [_shown(line, operators) for line in self._lines(operators)],
        }
        self._since_ms, self._cpu_s, self._rows_in, self._rows_out = now, cpu_s, rows_in, rows_out
        self._passes = self._pass_rows = 0
        return True

    def _lines(self, operators: list[OperatorMetrics]) -> list[Line]:
        """Drawn once: a job's operators stay the same."""
        self._tree = self._tree or operator_tree(operators)
        return self._tree

    def _latency(self, percentile: int) -> float | None:
        return float(np.percentile(self._latencies, percentile)) if self._latencies else None


def _shown(line: Line, operators: list[OperatorMetrics]) -> dict[str, Any]:
    """A line of the tree with what was measured of its operator: nulls where an earlier line has that."""
    measured = None if line.place is None else operators[line.place]
    moves = measured is not None and NO_WATERMARK < measured.watermark < END_OF_TIME
    return {
        "margin": line.margin,
        "name": line.text,
        **{name: getattr(measured, name, None) for name in ("rows_in", "rows_out", "late_rows", "state_bytes")},
        "watermark": measured.watermark if measured is not None and moves else None,
    }


def _held_back(graph: Graph, sources: Mapping[str, Source]) -> list[dict[str, Any]]:
    """Of each table with a row time the partition that is furthest behind; the table that is furthest first."""
    slowest = sorted(graph.slowest_splits().items(), key=lambda found: found[1][1])
    return [
        {
            "table": graph.scans[scan].table.name,
            "split": sources[scan].splits[split],
            "watermark": watermark if watermark > NO_WATERMARK else None,
        }
        for scan, (split, watermark) in slowest
    ]


def _cpu_seconds() -> float:
    """What this process has used of all cores so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
