"""`riacho bench microbatch`: what micro-batches of different sizes cost and gain, on one running aggregate.

Latency and CPU at a steady rate; events per second from a topic that is full already, which is another matter: there
a batch is as large as its limits let it be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from riacho.bench import latency, sql
from riacho.bench.process import serve_broker

HUGE = "100000000"

MODES: dict[str, tuple[str, str] | None] = {
    "adaptive": None,
    "10 ms": ("10 ms", HUGE),
    "1 s": ("1 s", HUGE),
    "100 k rows": ("1 h", "100000"),
}
"""By name: allow-latency and size of `table.exec.mini-batch`."""

RUNNING = "running count, sum"

TOTALS = """
CREATE TABLE totals (auction BIGINT, n BIGINT, total BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO totals SELECT auction, COUNT(*), SUM(price) FROM bids GROUP BY auction;
"""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to make batches: latency in milliseconds and CPU at the steady rate, events per second at full speed."""

    name: str
    p50_ms: float
    p99_ms: float
    steady_cpu_s_per_million: float
    events_per_s: float
    cpu_s_per_million: float


def statements(mode: str) -> str:
    """The SET statements of a mode.

    >>> statements("adaptive")
    ''
    """
    limits = MODES[mode]
    if limits is None:
        return ""
    allowed, size = limits
    values = {"enabled": "true", "allow-latency": allowed, "size": size}
    return "".join(f"SET 'table.exec.mini-batch.{key}' = '{value}';\n" for key, value in values.items())


def run(directory: Path, *, seconds: float, events: int, progress: Callable[[str], None]) -> list[Mode]:
    """Measure every mode. Raises `RiachoError` where a job fails."""
    steady = {}
    for number, mode in enumerate(MODES):
        progress(mode)
        folder = directory / f"steady-{number}"
        steady[mode] = latency.measure(folder, RUNNING, seconds, progress, statements(mode))
    measured = []
    with serve_broker(directory) as broker:
        progress(f"writing {events:,} bids")
        sql.write_bids(broker.address, events)
        for mode in MODES:
            progress(f"{mode}: at full speed")
            script = statements(mode) + sql.FROM_TOPIC + TOTALS
            fast = sql.measure("topic", mode, script, {"KAFKA": broker.address, "TOPIC": sql.TOPIC})
            at_rate = steady[mode]
            measured.append(
                Mode(
                    mode,
                    at_rate.p50_ms,
                    at_rate.p99_ms,
                    at_rate.cpu_s_per_million,
                    fast.events_per_s,
                    fast.cpu_s_per_million,
                )
            )
    return measured
