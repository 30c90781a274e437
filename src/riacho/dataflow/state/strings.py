"""Strings as numbers: every distinct string that state holds is kept once and known by its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.hash_table import HashTable
from riacho.formats.arrow import Column, StringViews, string_views, strings
from riacho.kernels.interning import (
    BYTES_USED,
    COUNTERS,
    FREE_COUNT,
    IDS_USED,
    NEW_COUNT,
    RECENT,
    TABLE_USED,
    add_references,
    copy_views,
    intern_views,
    move_strings,
    unreferenced,
)

Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NO_STRING = -1
"""The id of null."""

FREED = -1
"""The length that an unused id has."""

ALL_VALID = np.empty(0, np.bool_)
NO_BYTES = np.empty(0, np.uint8)

COMPACTED_BYTES = 1 << 20
"""An arena is moved together when more than half of it, and more than this, is dead."""


class StringPool:
    """Interns strings and byte strings exactly: two ids are equal if and only if their bytes are.

    An id lives while it has references. `intern` gives ids without any, good until `collect`, which an operator
    calls at the end of its pass; what it keeps longer it `retain`s and later `release`s.

    >>> pool = StringPool()
    >>> pool.intern(pl.Series(["a", "b", None, "a"])).tolist()
    [0, 1, -1, 0]
    """

    def __init__(self) -> None:
        self._table = HashTable()
        self._arena = Growable(np.uint8)
        self._starts = Growable(np.int64)
        self._lengths = Growable(np.int64)
        self._id_hash = Growable(np.uint64)
        self._references = Growable(np.int64)
        self._free = Growable(np.int64)
        self._counters = np.zeros(COUNTERS, np.int64)
        self._doubtful: list[Int64Array] = []
        self._dead_bytes = 0
        self._grow_ids(64)
        self._arena.reserve(4096)

    def __len__(self) -> int:
        return int(self._counters[IDS_USED] - self._counters[FREE_COUNT])

    @property
    def bytes(self) -> int:
        parts = (self._arena, self._starts, self._lengths, self._id_hash, self._references, self._free)
        return self._table.bytes + sum(part.bytes for part in parts)

    @property
    def storage(self) -> tuple[Int64Array, Int64Array, npt.NDArray[np.uint8]]:
        """Starts and lengths by id, and the arena that they point into: for kernels that compare strings."""
        return self._starts.values, self._lengths.values, self._arena.values

    def intern(self, series: pl.Series) -> Int64Array:
        """The id of each value of a String or Binary column."""
        return self.intern_views(string_views(series), len(series))

    def intern_views(self, source: StringViews, rows: int) -> Int64Array:
        """The id of each string view."""
        valid = ALL_VALID if source.valid is None else source.valid
        recent = np.zeros((RECENT, 3), np.uint64)
        ids = np.empty(rows, np.int64)
        made = np.empty(rows, np.int64)
        counters = self._counters
        counters[NEW_COUNT] = 0
        self._table.advance(rows)
        row = 0
        while row < rows:
            counters[TABLE_USED] = self._table.used
            row = intern_views(
                source.views,
                source.addresses,
                valid,
                row,
                recent,
                self._table.entries,
                self._table.old,
                self._arena.values,
                self._starts.values,
                self._lengths.values,
                self._id_hash.values,
                self._free.values,
                counters,
                ids,
                made,
            )
            self._table.used = int(counters[TABLE_USED])
            if row == rows:
                break
            if self._table.full:
                self._table.replace(len(self))
                self._table.advance(rows)
            elif counters[IDS_USED] == len(self._starts.values) and counters[FREE_COUNT] == 0:
                self._grow_ids(int(counters[IDS_USED]) + 1)
            else:
                # Whatever stopped it, the next string fits into its own length more.
                length = int(source.views[16 * row : 16 * row + 4].view(np.int32)[0])
                self._arena.reserve(int(counters[BYTES_USED]) + length)
        if counters[NEW_COUNT]:
            self._doubtful.append(made[: counters[NEW_COUNT]])
        return ids

    def retain(self, ids: Int64Array) -> None:
        """Add a reference for each id, as often as it appears. `NO_STRING` is passed over."""
        add_references(np.ascontiguousarray(ids).reshape(-1), 1, self._references.values)

    def release(self, ids: Int64Array) -> None:
        """Take back what `retain` added."""
        flat = np.ascontiguousarray(ids).reshape(-1)
        add_references(flat, -1, self._references.values)
        self._doubtful.append(flat)

    def collect(self) -> None:
        """Forget the strings that nothing refers to."""
        if not self._doubtful:
            return
        doubtful = self._doubtful[0] if len(self._doubtful) == 1 else np.concatenate(self._doubtful)
        self._doubtful.clear()
        found = np.empty(2 * len(doubtful), np.int64)
        count = unreferenced(doubtful, self._references.values, self._lengths.values, found)
        if not count:
            return
        dead = found[:count]
        self._table.erase(dead, self._id_hash.values[dead])
        self._dead_bytes += int(found[len(doubtful) : len(doubtful) + count].sum())
        free = int(self._counters[FREE_COUNT])
        self._free.reserve(free + len(dead))
        self._free.values[free : free + len(dead)] = dead
        self._counters[FREE_COUNT] += len(dead)
        if self._dead_bytes > max(COMPACTED_BYTES, int(self._counters[BYTES_USED]) // 2):
            self._compact()

    def _compact(self) -> None:
        used = int(self._counters[IDS_USED])
        arena = Growable(np.uint8)
        arena.reserve(int(self._counters[BYTES_USED]) - self._dead_bytes)
        lengths = self._lengths.values[:used]
        moved = move_strings(lengths, self._starts.values, self._arena.values, arena.values)
        self._arena = arena
        self._counters[BYTES_USED] = moved
        self._dead_bytes = 0

    def column(self, ids: Int64Array, valid: BoolArray | None, *, text: bool) -> Column:
        """The strings of these ids as an Arrow column with its own memory; null where the id is `NO_STRING`."""
        starts, lengths, arena = self.storage
        views = np.empty((len(ids), 4), np.int32)
        size = copy_views(ids, starts, lengths, arena, views, NO_BYTES)
        assert size < 2**31, "a pass emits less than 2 GiB of strings in one column"
        data = np.empty(size, np.uint8)
        if size:
            copy_views(ids, starts, lengths, arena, views, data)
        return strings(views.view(np.uint8).reshape(-1), [data], valid, text=text)

    def _grow_ids(self, count: int) -> None:
        self._starts.reserve(count)
        capacity = len(self._starts.values)
        for part in (self._lengths, self._id_hash, self._references):
            part.reserve(capacity)

    def snapshot(self) -> StateArrays:
        used = int(self._counters[IDS_USED])
        return {
            "arena": self._arena.copy(int(self._counters[BYTES_USED])),
            "starts": self._starts.copy(used),
            "lengths": self._lengths.copy(used),
            "view_hashes": self._id_hash.copy(used),
            "references": self._references.copy(used),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        used = len(state["starts"])
        self._arena.load(state["arena"])
        self._grow_ids(used)
        self._starts.load(state["starts"])
        self._lengths.load(state["lengths"])
        self._id_hash.load(state["view_hashes"])
        self._references.load(state["references"])
        freed = np.flatnonzero(state["lengths"] == FREED)
        self._free.load(freed)
        live = np.flatnonzero(state["lengths"] != FREED)
        self._counters[IDS_USED] = used
        self._counters[FREE_COUNT] = len(freed)
        self._counters[BYTES_USED] = len(state["arena"])
        self._dead_bytes = len(state["arena"]) - int(state["lengths"][live].sum())
        self._table.fill(live, self._id_hash.values[live])
