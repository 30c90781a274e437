"""How a table that is looked up may be cached. Source: Flink, `LookupOptions` and `CacheReloadTrigger`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from enum import Enum
from typing import Any

from riacho.formats.options import Option, Options, boolean, duration, integer, one_of, positive

NONE, PARTIAL, FULL = "NONE", "PARTIAL", "FULL"
PERIODIC, TIMED = "PERIODIC", "TIMED"
FIXED_DELAY, FIXED_RATE = "FIXED_DELAY", "FIXED_RATE"


def _positive_duration(value: str) -> int | None:
    found = duration(value)
    if found <= 0:
        raise ValueError("a duration of more than 0")
    return found


def _rows(value: str) -> int | None:
    return positive(value)


def _time(value: str) -> time | None:
    try:
        return time.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("a time of day such as '10:15' or '10:15:30+07:00'") from None


def _word(value: str) -> str | None:
    return one_of(NONE, PARTIAL, FULL)(value)


def _retries(value: str) -> int:
    found = integer(value)
    if found < 0:
        raise ValueError("a whole number of at least 0")
    return found


_CACHE: Option[str | None] = Option("lookup.cache", _word, None)
_MAX_RETRIES = Option("lookup.max-retries", _retries, 3)
_AFTER_ACCESS: Option[int | None] = Option("lookup.partial-cache.expire-after-access", _positive_duration, None)
_AFTER_WRITE: Option[int | None] = Option("lookup.partial-cache.expire-after-write", _positive_duration, None)
_MISSING = Option("lookup.partial-cache.cache-missing-key", boolean, True)
_MAX_ROWS: Option[int | None] = Option("lookup.partial-cache.max-rows", _rows, None)
_STRATEGY = Option("lookup.full-cache.reload-strategy", one_of(PERIODIC, TIMED), PERIODIC)
_INTERVAL: Option[int | None] = Option("lookup.full-cache.periodic-reload.interval", _positive_duration, None)
_SCHEDULE = Option("lookup.full-cache.periodic-reload.schedule-mode", one_of(FIXED_DELAY, FIXED_RATE), FIXED_DELAY)
_TIME: Option[time | None] = Option("lookup.full-cache.timed-reload.iso-time", _time, None)
_DAYS = Option("lookup.full-cache.timed-reload.interval-in-days", positive, 1)

_PARTIAL_ONES: tuple[Option[Any], ...] = (_AFTER_ACCESS, _AFTER_WRITE, _MISSING, _MAX_ROWS)
_FULL_ONES: tuple[Option[Any], ...] = (_STRATEGY, _INTERVAL, _SCHEDULE, _TIME, _DAYS)


class CacheKind(Enum):
    """What is kept of a table that is looked up: nothing, what was asked for, or all of it."""

    NONE = NONE
    PARTIAL = PARTIAL
    FULL = FULL


@dataclass(frozen=True, slots=True)
class LookupCache:
    """A cache as a table's options describe it; durations in milliseconds, None: no limit.

    A FULL one is filled again every `interval_ms`, counted from the end of the last time or at a `fixed_rate`, or at
    a time of day `at` every so many `days`.
    """

    kind: CacheKind
    max_retries: int = 3
    after_access_ms: int | None = None
    after_write_ms: int | None = None
    missing: bool = True
    max_rows: int | None = None
    interval_ms: int | None = None
    fixed_rate: bool = False
    at: time | None = None
    days: int = 1


def read_lookup_cache(options: Options) -> LookupCache | None:
    """The cache that a table asks for; None where it asks for none, and is read once. Raises `OptionError`."""
    kind = options.get(_CACHE)
    retries = options.get(_MAX_RETRIES)
    partial, full = (tuple(options.has(option) for option in part) for part in (_PARTIAL_ONES, _FULL_ONES))
    for of, given, named in ((PARTIAL, partial, _PARTIAL_ONES), (FULL, full, _FULL_ONES)):
        if kind != of and any(given):
            key = named[given.index(True)].key
            raise options.error(f"the option '{key}' needs 'lookup.cache' = '{of}'")
    if kind is None:
        return None
    if kind == PARTIAL:
        return LookupCache(
            CacheKind.PARTIAL,
            retries,
            options.get(_AFTER_ACCESS),
            options.get(_AFTER_WRITE),
            options.get(_MISSING),
            options.get(_MAX_ROWS),
        )
    if kind == NONE:
        return LookupCache(CacheKind.NONE, retries)
    timed = options.get(_STRATEGY) == TIMED
    needed = options.has(_TIME) if timed else options.has(_INTERVAL)
    if not needed:
        key = _TIME.key if timed else _INTERVAL.key
        raise options.error(
            f"'lookup.cache' = 'FULL' needs the option '{key}'",
            mend="or leave 'lookup.cache' out: the table is read once then",
        )
    others: tuple[Option[Any], ...] = (_INTERVAL, _SCHEDULE) if timed else (_TIME, _DAYS)
    wrong = [option.key for option in others if options.has(option)]
    if wrong:
        strategy = TIMED if timed else PERIODIC
        raise options.error(f"the option '{wrong[0]}' is not for '{_STRATEGY.key}' = '{strategy}'")
    return LookupCache(
        CacheKind.FULL,
        retries,
        interval_ms=options.get(_INTERVAL),
        fixed_rate=options.get(_SCHEDULE) == FIXED_RATE,
        at=options.get(_TIME),
        days=options.get(_DAYS),
    )
