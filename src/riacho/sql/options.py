"""What SET may change: each key is honoured, has no effect that could matter, or is refused. None is ignored silently.

Source: Flink, "Configuration" of the Table API, "SQL Client Configuration".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from riacho.sql.errors import did_you_mean

_UNITS_MS = {
    **dict.fromkeys(("ms", "milli", "millis", "millisecond", "milliseconds"), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1_000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
}
_DURATION = re.compile(r"\s*(\d+)\s*([a-z]*)\s*", re.IGNORECASE)


def duration_ms(text: str) -> int:
    """A duration as Flink writes it, in milliseconds; a bare number is milliseconds.

    >>> duration_ms("5 s"), duration_ms("100ms"), duration_ms("2 min")
    (5000, 100, 120000)

    Raises `ValueError`.
    """
    match = _DURATION.fullmatch(text)
    unit = match.group(2).lower() if match else ""
    if match is None or (unit and unit not in _UNITS_MS):
        raise ValueError(f"'{text}' is no duration: write it like '5 s' or '100 ms'")
    return int(match.group(1)) * _UNITS_MS.get(unit, 1)


def _duration(text: str) -> str:
    return str(duration_ms(text))


def _boolean(text: str) -> str:
    if text.strip().lower() not in ("true", "false"):
        raise ValueError(f"'{text}' is neither true nor false")
    return text.strip().lower()


def _count(text: str) -> str:
    if not text.strip().isdigit() or int(text) < 1:
        raise ValueError(f"'{text}' is no positive number")
    return str(int(text))


def _integer(text: str) -> str:
    if not text.strip().lstrip("-").isdigit():
        raise ValueError(f"'{text}' is no number")
    return str(int(text))


def _zone(text: str) -> str:
    if text == "default":
        return text
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"there is no time zone '{text}'") from None
    return text


def _any(text: str) -> str:
    return text


def _one_of(*choices: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        found = next((choice for choice in choices if choice.lower() == text.strip().lower()), None)
        if found is None:
            raise ValueError(f"'{text}' is not possible, only {' or '.join(choices)}")
        return found

    return check


@dataclass(frozen=True, slots=True)
class Option:
    """A key of SET. `read` gives the value's normalized text, or raises `ValueError`."""

    key: str
    read: Callable[[str], str]
    default: str


OPTIONS: dict[str, Option] = {
    option.key: option
    for option in (
        Option("table.local-time-zone", _zone, "default"),
        Option("table.exec.mini-batch.enabled", _boolean, "false"),
        Option("table.exec.mini-batch.allow-latency", _duration, "0"),
        Option("table.exec.mini-batch.size", _integer, "-1"),
        Option("table.exec.source.idle-timeout", _duration, "0"),
        Option("table.exec.source.cdc-events-duplicate", _boolean, "false"),
        Option("table.exec.sink.not-null-enforcer", _one_of("ERROR", "DROP"), "ERROR"),
        Option("table.exec.sink.type-length-enforcer", _one_of("IGNORE", "TRIM_PAD", "ERROR"), "IGNORE"),
        Option("table.exec.sink.upsert-materialize", _one_of("AUTO", "NONE", "FORCE"), "AUTO"),
        Option("table.exec.state.ttl", _duration, "0"),
        Option("execution.runtime-mode", _one_of("streaming", "batch"), "streaming"),
        Option("pipeline.name", _any, ""),
        # A job runs in one process, at least once: other values are refused, not ignored.
        Option("execution.checkpointing.mode", _one_of("AT_LEAST_ONCE"), "AT_LEAST_ONCE"),
        Option("table.exec.sink.nested-constraint-enforcer", _one_of("IGNORE"), "IGNORE"),
        Option("table.exec.legacy-cast-behaviour", _one_of("DISABLED"), "DISABLED"),
        Option("table.sql-dialect", _one_of("default"), "default"),
        # Of a cluster's or a terminal's making: results are the same whatever is set.
        Option("table.dml-sync", _boolean, "false"),
        Option("table.exec.resource.default-parallelism", _integer, "-1"),
        Option("table.exec.async-lookup.buffer-capacity", _count, "100"),
        Option("table.optimizer.agg-phase-strategy", _any, ""),
        Option("table.optimizer.distinct-agg.split.enabled", _boolean, "false"),
        Option("table.optimizer.join-reorder-enabled", _boolean, "false"),
        Option("table.optimizer.reuse-sub-plan-enabled", _boolean, "true"),
        Option("table.optimizer.reuse-source-enabled", _boolean, "true"),
        Option("table.optimizer.source.predicate-pushdown-enabled", _boolean, "true"),
        Option("parallelism.default", _count, "1"),
        Option("pipeline.max-parallelism", _integer, "-1"),
        Option("pipeline.object-reuse", _boolean, "false"),
        Option("pipeline.operator-chaining.enabled", _boolean, "true"),
        Option("pipeline.auto-watermark-interval", _duration, "200"),
        Option("execution.checkpointing.interval", _duration, "10000"),
        Option("execution.checkpointing.timeout", _duration, "600000"),
        Option("execution.checkpointing.min-pause", _duration, "0"),
        Option("execution.attached", _boolean, "false"),
        Option("execution.target", _any, ""),
        Option("sql-client.execution.result-mode", _one_of("TABLE", "CHANGELOG", "TABLEAU"), "TABLE"),
        Option("sql-client.execution.max-table-result.rows", _count, "1000000"),
        Option("sql-client.display.max-column-width", _count, "30"),
        Option("sql-client.verbose", _boolean, "false"),
    )
}
"""Every known key."""

KNOWN_PREFIXES = ("table.", "pipeline.", "execution.", "parallelism.", "sql-client.")


def read_option(key: str, value: str) -> str:
    """The normalized value of a known key.

    >>> read_option("table.exec.mini-batch.allow-latency", "5 s")
    '5000'

    Raises `KeyError` for an unknown key (the message names it) and `ValueError` for a value it cannot have.
    """
    option = OPTIONS.get(key)
    if option is None:
        raise KeyError(key)
    return option.read(value)


def suggestion_for(key: str) -> str:
    """What to tell someone who set an unknown key."""
    near = did_you_mean(key, OPTIONS)
    return near or f"the keys are listed in the SQL reference and begin with {', '.join(KNOWN_PREFIXES)}"
