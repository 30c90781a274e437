"""Which values occur in each group, and how often: what DISTINCT, and MIN and MAX over retractions, are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from riacho.dataflow.aggregates.contract import Int8Array, Int64Array
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.kernels.value_counts import (
    chained_entries,
    count_values,
    link_entries,
    mark_values,
    rescan_extremes,
    unlink_entries,
    vanished_entries,
    weigh_values,
)

BoolArray = npt.NDArray[np.bool_]

NO_MASKS: BoolArray = np.empty((1, 0), np.bool_)
"""Every row is counted under every filter."""
NO_CROSSINGS: Int8Array = np.empty((1, 0), np.int8)


class _Entries:
    """The distinct (group, value, …), each with a number.

    Where groups end or are looked at (`chained`), a group's entries are chained. `interned` says which of the value's
    words are ids of the pool.
    """

    def __init__(self, width: int, *, interned: Sequence[int], chained: bool, pool: StringPool) -> None:
        self._index = KeyIndex(1 + width)
        self._nexts = Growable(np.int64)
        self._previous = Growable(np.int64)
        self._heads = Growable(np.int64)
        self._interned = [1 + word for word in interned]
        self._chained = chained
        self._pool = pool

    @property
    def bytes(self) -> int:
        return self._index.bytes + sum(part.bytes for part in (self._nexts, self._previous, self._heads))

    @property
    def used(self) -> int:
        """One past the greatest number ever given out."""
        return self._index.slots_used

    @property
    def keys(self) -> Int64Array:
        """(group, value, …) by entry."""
        return self._index.keys

    @property
    def chains(self) -> tuple[Int64Array, Int64Array]:
        """The first entry of each group and the next of each entry, for kernels."""
        return self._heads.values, self._nexts.values

    def reserve(self, slots: int) -> None:
        """Make room for groups up to `slots`."""
        if self._chained:
            self._heads.reserve(slots)

    def of(self, slots: Int64Array, words: Sequence[Int64Array]) -> tuple[Int64Array, Int64Array]:
        """The entry of each (group, value), made where it is new; and those that were."""
        keys = np.empty((len(slots), 1 + len(words)), np.int64)
        keys[:, 0] = slots
        for place, column in enumerate(words):
            keys[:, 1 + place] = column
        found, new_rows = self._index.upsert(keys)
        new = found[new_rows]
        if len(new):
            if self._chained:
                for part in (self._nexts, self._previous):
                    part.reserve(self._index.slots_used)
                link_entries(new, slots[new_rows], self._heads.values, self._nexts.values, self._previous.values)
            for word in self._interned:
                self._pool.retain(keys[new_rows, word])
        return found, new

    def find(self, slots: Int64Array, words: Int64Array) -> Int64Array:
        """The entry of each (group, value), −1 where it is not there."""
        keys = np.empty((len(slots), 2), np.int64)
        keys[:, 0] = slots
        keys[:, 1] = words
        return self._index.find(keys)

    def of_groups(self, slots: Int64Array) -> tuple[Int64Array, Int64Array]:
        """The entries of these groups, one group after another, and where those of each end."""
        out, ends = np.empty(max(1024, 4 * len(slots)), np.int64), np.empty(len(slots), np.int64)
        while (count := chained_entries(slots, self._heads.values, self._nexts.values, out, ends)) > len(out):
            out = np.empty(count, np.int64)
        return out[:count], ends

    def free(self, entries: Int64Array) -> None:
        """Forget entries."""
        if not len(entries):
            return
        keys = self._index.keys[entries]
        if self._chained:
            unlink_entries(
                entries,
                np.ascontiguousarray(keys[:, 0]),
                self._heads.values,
                self._nexts.values,
                self._previous.values,
            )
        for word in self._interned:
            self._pool.release(keys[:, word])
        self._index.release(entries)

    def snapshot(self) -> StateArrays:
        arrays: StateArrays = {}
        if self._chained:
            arrays |= {
                "next": self._nexts.copy(self.used),
                "previous": self._previous.copy(self.used),
                "head": self._heads.copy(len(self._heads.values)),
            }
        return arrays | prefixed("index", self._index.snapshot())

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._index.restore(section("index", state))
        if self._chained:
            self._nexts.load(state["next"])
            self._previous.load(state["previous"])
            self._heads.load(state["head"])


class DistinctValues(Protocol):
    """The values of some argument columns in each group, under each FILTER that they are used with."""

    @property
    def bytes(self) -> int: ...

    def reserve(self, slots: int) -> None:
        """Make room for groups up to `slots`."""
        ...

    def count(
        self,
        slots: Int64Array,
        words: Sequence[Int64Array],
        signs: Int8Array,
        masks: BoolArray,
        cells: Int64Array,
        ledger: Int64Array,
        crossings: Int8Array,
    ) -> None:
        """Apply the rows' values, keep the distinct counts in `cells` of the ledger and tell `crossings`."""
        ...

    def forget_vanished(self) -> None:
        """At the end of a pass: free the entries that no counter counts any more."""
        ...

    def forget_groups(self, slots: Int64Array) -> None:
        """Free every entry of these groups."""
        ...

    def snapshot(self) -> StateArrays: ...

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None: ...


MOST_MARKS = 62
"""Filters that share a word of marks."""


class _KnownValues:
    """The values of each group, and what is `known` of each, by its entry: a word, or `width` of them."""

    def __init__(self, entries: _Entries, *, width: int | None = None) -> None:
        self._entries = entries
        self._known = Growable(np.int64, width=width)

    @property
    def bytes(self) -> int:
        return self._entries.bytes + self._known.bytes

    def reserve(self, slots: int) -> None:
        self._entries.reserve(slots)

    def _found(self, slots: Int64Array, words: Sequence[Int64Array]) -> Int64Array:
        """The entry of each (group, value); nothing is known yet of those that are new."""
        found, new = self._entries.of(slots, words)
        self._known.reserve(self._entries.used)
        self._known.values[new] = 0
        return found

    def forget_groups(self, slots: Int64Array) -> None:
        self._entries.free(self._entries.of_groups(slots)[0])

    def snapshot(self) -> StateArrays:
        return {"known": self._known.copy(self._entries.used)} | self._entries.snapshot()

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._entries.restore(state)
        self._known.load(state["known"])


class ValueMarks(_KnownValues):
    """Values of rows that are only added: a bit for each filter that one has occurred under."""

    def __init__(self, width: int, *, interned: Sequence[int], chained: bool, pool: StringPool) -> None:
        super().__init__(_Entries(width, interned=interned, chained=chained, pool=pool))

    def count(
        self,
        slots: Int64Array,
        words: Sequence[Int64Array],
        signs: Int8Array,
        masks: BoolArray,
        cells: Int64Array,
        ledger: Int64Array,
        crossings: Int8Array,
    ) -> None:
        assert not len(signs), "marks do not survive retractions"
        found = self._found(slots, words)
        mark_values(found, slots, masks, cells, self._known.values, ledger, crossings)

    def forget_vanished(self) -> None:
        """Nothing vanishes."""


class ValueCounts(_KnownValues):
    """How often values occur, a counter for each of `filters` filters."""

    def __init__(self, width: int, filters: int, *, interned: Sequence[int], chained: bool, pool: StringPool) -> None:
        super().__init__(_Entries(width, interned=interned, chained=chained, pool=pool), width=filters)
        self._text = bool(interned)
        self._pool = pool
        self._retracted: list[tuple[Int64Array, Int8Array]] = []

    def count(
        self,
        slots: Int64Array,
        words: Sequence[Int64Array],
        signs: Int8Array,
        masks: BoolArray,
        cells: Int64Array,
        ledger: Int64Array,
        crossings: Int8Array,
    ) -> None:
        found = self._found(slots, words)
        count_values(found, slots, signs, masks, cells, self._known.values, ledger, crossings)
        if len(signs):
            self._retracted.append((found, signs))

    def weigh(self, slots: Int64Array, words: Int64Array, weights: Int64Array) -> None:
        """Add each row's weight to its value's only count, and forget values whose count is zero."""
        entries = self._found(slots, [words])
        weigh_values(entries, weights, self._known.values)
        out = np.empty(len(entries), np.int64)
        signs = np.full(len(entries), -1, np.int8)
        self._entries.free(out[: vanished_entries(entries, signs, self._known.values, out)])

    def counts_of(self, slots: Int64Array, words: Int64Array) -> Int64Array:
        """The only count of each (group, value), 0 where it is not there."""
        entries = self._entries.find(slots, words)
        counts: Int64Array = np.where(entries >= 0, self._known.values[np.maximum(entries, 0), 0], 0)
        return counts

    def counted(self, slots: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
        """The words of these groups' values, how often each occurs, and where those of each group end."""
        entries, ends = self._entries.of_groups(slots)
        return self._entries.keys[entries, 1], self._known.values[entries, 0], ends

    def extremes(self, which: int, slots: Int64Array, ledger: Int64Array, at: int, *, greatest: bool) -> None:
        """Write each group's greatest or least value, and whether it has one, into its cells at `at`."""
        heads, nexts = self._entries.chains
        rescan_extremes(
            slots,
            heads,
            nexts,
            self._entries.keys,
            self._known.values,
            which,
            greatest,
            self._text,
            *self._pool.storage,
            ledger,
            at,
        )

    def forget_vanished(self) -> None:
        for entries, signs in self._retracted:
            out = np.empty(len(entries), np.int64)
            self._entries.free(out[: vanished_entries(entries, signs, self._known.values, out)])
        self._retracted.clear()
