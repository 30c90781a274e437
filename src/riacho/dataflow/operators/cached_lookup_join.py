"""Lookup joins of a table that is read again and again, through a cache: Δa ⋈ B with B as the cache has it.

Source: Flink, LookupJoin with LookupOptions: NONE, PARTIAL (CachingLookupFunction) and FULL (CachedFullLookup).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.connectors.filesystem import FileTable, read_table
from riacho.dataflow.connectors.lookup import CacheKind, LookupCache
from riacho.dataflow.expressions import Settings, Zone
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import concatenate, empty_batch
from riacho.dataflow.operators.lookup_pairs import LookupPairs
from riacho.dataflow.operators.lookup_reader import LookupReader
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.lookup_rows import LookupKeys, LookupRows
from riacho.plan.relations import Join, Lookup, Relation, Scan, walk_relations

NEVER = 2**62
DAY_MS = 86_400_000
FILESYSTEM = "filesystem"


class CachedLookup(NamedTuple):
    """A lookup join, and the table that it reads by itself."""

    join: Join
    table: FileTable
    cache: LookupCache


def lookup_of(relation: Relation) -> CachedLookup | None:
    """What a relation is where it looks a table up that asks for a cache; None for any other."""
    if not isinstance(relation, Join) or not isinstance(relation.time, Lookup):
        return None
    scan = next(step for step in walk_relations(relation.right) if isinstance(step, Scan))
    if scan.table.connector != FILESYSTEM:
        return None
    table = read_table(scan.table)
    return None if table.lookup is None else CachedLookup(relation, table, table.lookup)


def cached_lookup_join(lookup: CachedLookup, settings: Settings) -> CachedLookupJoinOperator:
    """The operator of such a join."""
    join = lookup.join
    types = [join.left.schema[key].type for key in join.left_keys]
    reader = LookupReader(join.right, lookup.table, join.right_keys, types, settings)
    return CachedLookupJoinOperator(join, reader, lookup.cache, settings)


class _Cache(Protocol):
    """Which state of the table each row meets."""

    def tables(self, batch: Batch, now: int) -> list[tuple[LookupRows, Int64Array]]:
        """The states of the table that rows of the batch meet, each with these rows."""
        ...

    @property
    def wake_at_ms(self) -> int | None: ...

    @property
    def bytes(self) -> int: ...


class CachedLookupJoinOperator:
    """Each row meets the table as the cache has it at the moment of its pass, by the job's clock.

    A cache is no state: after a restart it is empty, as in Flink.
    """

    def __init__(self, relation: Join, reader: LookupReader, cache: LookupCache, settings: Settings) -> None:
        self._relation = relation
        self._pairs = LookupPairs(relation, settings)
        self._clock = settings.clock
        self._cache: _Cache
        if cache.kind is CacheKind.PARTIAL:
            self._cache = _Partial(relation, reader, cache)
        elif cache.kind is CacheKind.FULL:
            self._cache = _Full(reader, cache, settings.zone)
        else:
            self._cache = _Nothing(reader)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        outputs = [empty_batch(self._relation.schema, batch.watermark)]
        for table, rows in self._cache.tables(batch, self._clock.now_ms()):
            met = batch if len(rows) == len(batch) else batch.take(rows)
            outputs.append(self._pairs.joined(met, table))
        return concatenate(outputs, self._relation.schema.names, batch.watermark)

    def snapshot(self) -> StateArrays:
        return {}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        assert not state, "a cache is no state"

    @property
    def wake_at_ms(self) -> int | None:
        return self._cache.wake_at_ms

    @property
    def state_bytes(self) -> int:
        return self._cache.bytes

    @property
    def late_rows(self) -> int:
        return 0


class _Nothing:
    """The table is asked in every pass."""

    wake_at_ms: int | None = None

    def __init__(self, reader: LookupReader) -> None:
        self._reader = reader
        self.bytes = 0

    def tables(self, batch: Batch, now: int) -> list[tuple[LookupRows, Int64Array]]:
        del now
        table = self._reader.read()
        self.bytes = table.bytes
        return [(table, np.arange(len(batch)))]


class _Full:
    """The whole table, read again when the clock says so, whether or not rows come."""

    def __init__(self, reader: LookupReader, cache: LookupCache, zone: Zone) -> None:
        self._reader = reader
        self._cache = cache
        self._zone = zone
        self._table: LookupRows | None = None
        self._due: int | None = None

    def tables(self, batch: Batch, now: int) -> list[tuple[LookupRows, Int64Array]]:
        if self._table is None or self._due is None or now >= self._due:
            self._table = self._reader.read()
            self._due = self._next(now)
        return [(self._table, np.arange(len(batch)))]

    def _next(self, now: int) -> int:
        """When it is read next, if it was read now."""
        cache = self._cache
        if cache.at is not None:
            if self._due is None:
                return self._first_time(cache.at, now)
            interval = cache.days * DAY_MS
        else:
            assert cache.interval_ms is not None, "a full cache is reloaded"
            interval = cache.interval_ms
            if self._due is None or not cache.fixed_rate:
                return now + interval
        return self._due + ((now - self._due) // interval + 1) * interval

    def _first_time(self, at: time, now: int) -> int:
        """When a time of day comes next; one without an offset is of the session's zone."""
        where: tzinfo = at.tzinfo or _tzinfo(self._zone)
        moment = datetime.fromtimestamp(now / 1000, where)
        today = datetime.combine(moment.date(), at.replace(tzinfo=where))
        return int((today if today > moment else today + timedelta(days=1)).timestamp() * 1000)

    @property
    def wake_at_ms(self) -> int | None:
        return self._due

    @property
    def bytes(self) -> int:
        return 0 if self._table is None else self._table.bytes


def _tzinfo(zone: Zone) -> tzinfo:
    return ZoneInfo(zone.name) if zone.offset is None else timezone(timedelta(microseconds=zone.offset))


class _Partial:
    """What each key met when it was asked for, until that is too old; the keys asked for least recently go first.

    A key keeps the state of the table that was read for it; a state goes with the last key that has it.
    """

    wake_at_ms: int | None = None

    def __init__(self, relation: Join, reader: LookupReader, cache: LookupCache) -> None:
        left = relation.left.schema
        self._reader = reader
        self._cache = cache
        self._columns = relation.left_keys
        self._keys = LookupKeys([left[key].type for key in relation.left_keys])
        self._index = KeyIndex(self._keys.width)
        self._written, self._accessed, self._state = (Growable(np.int64) for _ in range(3))
        self._states: dict[int, LookupRows] = {}
        self._newest = 0

    def tables(self, batch: Batch, now: int) -> list[tuple[LookupRows, Int64Array]]:
        if not len(batch):
            return []
        words, complete = self._keys.words(batch, self._columns)
        if not len(complete):
            return [(self._reader.read() if not self._states else self._states[self._newest], np.arange(len(batch)))]
        words = words[complete]
        slots, new_rows = self._index.upsert(words)
        self._keys.retain(words[new_rows])
        for part in (self._written, self._accessed, self._state):
            part.reserve(self._index.slots_used)
        self._written.values[slots[new_rows]] = -NEVER
        self._accessed.values[slots[new_rows]] = -NEVER
        touched, first = np.unique(slots, return_index=True)
        stale = self._stale(touched, now)
        if stale.any():
            self._written.values[touched[stale]] = now
            self._state.values[touched[stale]] = self._read()
        self._accessed.values[touched] = now
        states = np.full(len(batch), self._newest)
        states[complete] = self._state.values[slots]
        # Decided before keys go: a row has met its state of the table by then.
        met = [(self._states[state], np.flatnonzero(states == state)) for state in np.unique(states).tolist()]
        self._shrink(batch.take(complete[first]) if not self._cache.missing else batch, touched)
        return met

    def _stale(self, slots: Int64Array, now: int) -> npt.NDArray[np.bool_]:
        """Which keys are new, or too old."""
        written, accessed = self._written.values[slots], self._accessed.values[slots]
        stale: npt.NDArray[np.bool_] = written == -NEVER
        if self._cache.after_write_ms is not None:
            stale |= written + self._cache.after_write_ms <= now
        if self._cache.after_access_ms is not None:
            stale |= accessed + self._cache.after_access_ms <= now
        return stale

    def _read(self) -> int:
        """The number of the table's present state."""
        table = self._reader.read()
        if self._states.get(self._newest) is not table:
            self._newest += 1
            self._states[self._newest] = table
        return self._newest

    def _shrink(self, batch: Batch, touched: Int64Array) -> None:
        """Let go of keys that found nothing, where these are not kept, and of those that are too many.

        `batch` has a row for each of the touched keys, where it matters.
        """
        if not self._cache.missing:
            found = np.zeros(len(touched), np.bool_)
            for state in np.unique(self._state.values[touched]).tolist():
                probes, _ = self._states[state].find(batch, self._columns)
                having = np.zeros(len(touched), np.bool_)
                having[probes] = True
                found |= having & (self._state.values[touched] == state)
            self._release(touched[~found])
        if self._cache.max_rows is not None and len(self._index) > self._cache.max_rows:
            live = self._index.live()
            order = np.argsort(self._accessed.values[live], kind="stable")
            self._release(live[order[: len(live) - self._cache.max_rows]])
        if len(self._states) > 1:
            kept = set(np.unique(self._state.values[self._index.live()]).tolist()) | {self._newest}
            self._states = {state: table for state, table in self._states.items() if state in kept}
        self._keys.pool.collect()

    def _release(self, slots: Int64Array) -> None:
        self._keys.release(self._index.keys[slots])
        self._index.release(slots)

    @property
    def bytes(self) -> int:
        parts = (self._keys.pool, self._index, self._written, self._accessed, self._state)
        return sum(part.bytes for part in parts) + sum(table.bytes for table in self._states.values())
