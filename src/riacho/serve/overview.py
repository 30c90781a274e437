"""The platform at a glance, from what the workers measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def overview(kafka: str, topics: int, groups: int, jobs: Sequence[Json], *, answers: bool) -> Json:
    """Sums over all jobs; latencies and batch sizes are the largest of any. `jobs` as `Jobs.described` gives them.

    `answers`: whether the cluster did when it was last asked.

    >>> overview("127.0.0.1:9092", 3, 0, [], answers=True)["cpu_s_per_million_events"] is None
    True
    """
    measured = [job["metrics"] for job in jobs if job["metrics"] is not None]
    rows_in = sum(metrics["rows_in_per_s"] for metrics in measured)
    cpu = sum(metrics["cpu_share"] for metrics in measured)
    return {
        "kafka": kafka,
        "answers": answers,
        "topics": topics,
        "groups": groups,
        "jobs": [{"name": job["name"], "phase": job["phase"]} for job in jobs],
        "events_in_per_s": rows_in,
        "events_out_per_s": sum(metrics["rows_out_per_s"] for metrics in measured),
        "batch_rows": _worst(measured, "batch_rows"),
        "latency_p50_ms": _worst(measured, "latency_p50_ms"),
        "latency_p99_ms": _worst(measured, "latency_p99_ms"),
        "cpu_s_per_million_events": cpu * 1e6 / rows_in if rows_in > 0 else None,
        "dead_letters": sum(metrics["dead_letters"] for metrics in measured),
        "late_rows": sum(metrics["late_rows"] for metrics in measured),
    }


def _worst(measured: Sequence[Json], name: str) -> float | None:
    values = [metrics[name] for metrics in measured if metrics[name] is not None]
    return max(values, default=None)
