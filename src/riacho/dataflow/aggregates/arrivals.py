"""The values of each group in order of arrival, and the functions that are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.aggregates.calls import Call, apply
from riacho.dataflow.aggregates.contract import ALL, BoolArray, Int64Array, Rows
from riacho.dataflow.aggregates.lists import lists_of, series_of
from riacho.dataflow.aggregates.values import ValueCounts
from riacho.dataflow.batch import ADDED
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import is_interned
from riacho.errors import RiachoError
from riacho.formats.arrow import Column, to_frame
from riacho.kernels.aggregate import COUNT
from riacho.kernels.arrivals import (
    COUNTERS,
    FREE_COUNT,
    OCCURRENCE_CELLS,
    USED,
    VALID,
    WORD,
    append_values,
    arrived_values,
    join_texts,
    remove_values,
)
from riacho.plan.expressions import AggregateCall
from riacho.plan.types import STRING, DataType

NO_ENTRIES = np.empty(0, np.int64)


class Arrivals:
    """A multiset per group, in order of arrival. Its cell counts changes.

    Added values go to the end; a retracted one takes the earliest occurrence of its value with it. What is left is the
    same however additions and retractions are mixed, so a pass adds first. Over input that retracts only membership is
    promised, as in Flink. Where nothing is retracted (`updating`), occurrences are not indexed by value.
    """

    cells = 1

    def __init__(self, kind: DataType, *, updating: bool, pool: StringPool) -> None:
        self._kind = kind
        self._pool = pool
        self._interned = is_interned(kind)
        self._index = KeyIndex(3) if updating else None
        self._groups = Growable(np.int64, width=2)
        self._firsts = Growable(np.int64, width=2)
        self._occurrences = Growable(np.int64, width=OCCURRENCE_CELLS)
        self._free = Growable(np.int64)
        self._counters = np.zeros(COUNTERS, np.int64)

    @property
    def bytes(self) -> int:
        parts = (self._groups, self._firsts, self._occurrences, self._free)
        return sum(part.bytes for part in parts) + (0 if self._index is None else self._index.bytes)

    def reserve(self, slots: int) -> None:
        self._groups.reserve(slots)

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        rows = rows.only_chosen()
        apply([Call(COUNT, at, None, ALL)], rows.slots, ADDED, ledger)
        words, valid = rows.arguments[0]
        present = np.ones(len(words), np.int64) if valid is None else valid.astype(np.int64)
        if not len(rows.signs):
            self._append(rows.slots, words, present)
            return
        added, removed = np.flatnonzero(rows.signs > 0), np.flatnonzero(rows.signs < 0)
        self._append(rows.slots[added], words[added], present[added])
        self._remove(rows.slots[removed], words[removed], present[removed])

    def _append(self, slots: Int64Array, words: Int64Array, valid: Int64Array) -> None:
        self._occurrences.reserve(int(self._counters[USED] - self._counters[FREE_COUNT]) + len(slots))
        entries = NO_ENTRIES
        if self._index is not None:
            entries, new_rows = self._index.upsert(_keys(slots, words, valid))
            self._firsts.reserve(self._index.slots_used)
            self._firsts.values[entries[new_rows]] = 0
        if self._interned:
            self._pool.retain(words)
        append_values(
            slots,
            entries,
            words,
            valid,
            self._groups.values,
            self._firsts.values,
            self._occurrences.values,
            self._free.values,
            self._counters,
        )

    def _remove(self, slots: Int64Array, words: Int64Array, valid: Int64Array) -> None:
        assert self._index is not None, "only input that retracts has retractions"
        entries = self._index.find(_keys(slots, words, valid))
        known = entries >= 0
        slots, entries = slots[known], entries[known]
        self._free.reserve(int(self._counters[FREE_COUNT]) + len(slots))
        before = int(self._counters[FREE_COUNT])
        emptied = np.empty(len(slots), np.int64)
        count = remove_values(
            slots,
            entries,
            self._groups.values,
            self._firsts.values,
            self._occurrences.values,
            self._free.values,
            self._counters,
            emptied,
        )
        if self._interned:
            gone = self._free.values[before : int(self._counters[FREE_COUNT])]
            self._pool.release(self._occurrences.values[gone, WORD])
        if count:
            self._index.release(emptied[:count])

    def occurrences(self, slots: Int64Array) -> tuple[Int64Array, BoolArray, Int64Array]:
        """The words of these groups' values, which are valid, and where those of each group end."""
        places, ends = self._places(slots)
        cells = self._occurrences.values
        return cells[places, WORD], cells[places, VALID] > 0, ends

    def _places(self, slots: Int64Array) -> tuple[Int64Array, Int64Array]:
        out, ends = np.empty(max(1024, 4 * len(slots)), np.int64), np.empty(len(slots), np.int64)
        groups, occurrences = self._groups.values, self._occurrences.values
        while (count := arrived_values(slots, groups, occurrences, out, ends)) > len(out):
            out = np.empty(count, np.int64)
        return out[:count], ends

    def release(self, slots: Int64Array) -> None:
        places, ends = self._places(slots)
        if not len(places):
            return
        cells = self._occurrences.values
        if self._index is not None:
            owners = np.repeat(slots, np.diff(ends, prepend=0))
            entries = self._index.find(_keys(owners, cells[places, WORD], cells[places, VALID]))
            self._index.release(np.unique(entries))
        if self._interned:
            self._pool.release(cells[places, WORD])
        count = int(self._counters[FREE_COUNT])
        self._free.reserve(count + len(places))
        self._free.values[count : count + len(places)] = places
        self._counters[FREE_COUNT] += len(places)
        self._groups.values[slots] = 0

    def snapshot(self) -> StateArrays:
        arrays: StateArrays = {
            "groups": self._groups.copy(len(self._groups.values)),
            "occurrences": self._occurrences.copy(int(self._counters[USED])),
            "free": self._free.copy(int(self._counters[FREE_COUNT])),
        }
        if self._index is not None:
            arrays["firsts"] = self._firsts.copy(self._index.slots_used)
            arrays |= prefixed("index", self._index.snapshot())
        return arrays

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._groups.load(state["groups"])
        self._occurrences.load(state["occurrences"])
        self._free.load(state["free"])
        self._counters[USED] = len(state["occurrences"])
        self._counters[FREE_COUNT] = len(state["free"])
        if self._index is not None:
            self._firsts.load(state["firsts"])
            self._index.restore(section("index", state))


def _keys(slots: Int64Array, words: Int64Array, valid: Int64Array) -> Int64Array:
    keys = np.empty((len(slots), 3), np.int64)
    keys[:, 0] = slots
    keys[:, 1] = words
    keys[:, 2] = valid
    return keys


class ArrayAgg(Arrivals):
    """ARRAY_AGG: all values, NULL too unless IGNORE NULLS; NULL where there is none. Flink: ArrayAggFunction."""

    def values(self, call: AggregateCall, slots: Int64Array) -> pl.Series:  # noqa: ARG002 - it has one form
        words, valid, ends = self.occurrences(slots)
        sizes = np.diff(ends, prepend=0)
        elements = series_of(words, valid, self._kind, self._pool)
        return lists_of(elements, ends, sizes > 0)


class RetractedEnd(Arrivals):
    """FIRST_VALUE and LAST_VALUE over rows that are retracted. Flink: FirstValueWithRetractAggFunction and its like."""

    def values(self, call: AggregateCall, slots: Int64Array) -> pl.Series:
        ends = self._groups.values[slots, 1 if call.function == "LAST_VALUE" else 0]
        words = self._occurrences.values[np.maximum(ends - 1, 0), WORD] if self._counters[USED] else ends
        return series_of(words, ends > 0, self._kind, self._pool)


class Joined(Arrivals):
    """Texts with a separator between them: LISTAGG, and JSON_ARRAYAGG of elements that are JSON already.

    LISTAGG passes over NULL and is NULL where there is no value; a JSON array is empty then. Flink:
    ListAggWithRetractAggFunction, ListAggWsWithRetractAggFunction, JsonArrayAggFunction.
    """

    def values(self, call: AggregateCall, slots: Int64Array) -> pl.Series:
        words, ends = self._members(slots)
        prefix, separator, suffix = _WRAPPERS.get(call.function) or ("", str(call.constants[0]), "")
        sizes = np.diff(ends, prepend=0)
        valid = None if call.function in _WRAPPERS else sizes > 0
        return self._joined(words, ends, (prefix, separator, suffix), valid)

    def _members(self, slots: Int64Array) -> tuple[Int64Array, Int64Array]:
        """The words of these groups' texts, in the order in which they are joined, and where each group's end."""
        words, _, ends = self.occurrences(slots)
        return words, ends

    def _joined(
        self, ids: Int64Array, ends: Int64Array, around: tuple[str, str, str], valid: BoolArray | None
    ) -> pl.Series:
        prefix, separator, suffix = (np.frombuffer(text.encode(), np.uint8) for text in around)
        offsets = np.zeros(len(ends) + 1, np.int64)
        storage = self._pool.storage
        size = join_texts(ids, ends, prefix, separator, suffix, *storage, offsets, np.empty(0, np.uint8))
        data = np.empty(max(size, 1), np.uint8)
        join_texts(ids, ends, prefix, separator, suffix, *storage, offsets, data)
        return to_frame([("joined", Column("U", len(ends), (offsets, data), valid))], len(ends)).to_series()


class JsonObject(Joined):
    """JSON_OBJECTAGG of members that are JSON already, given with their keys. Flink: JsonObjectAggFunction.

    The members come in the order of their keys. A key that a group has twice is an error, as in Flink.
    """

    def __init__(self, *, updating: bool, pool: StringPool) -> None:
        super().__init__(STRING, updating=updating, pool=pool)
        self._keys = ValueCounts(1, 1, interned=[0], chained=True, pool=pool)

    @property
    def bytes(self) -> int:
        return super().bytes + self._keys.bytes

    def reserve(self, slots: int) -> None:
        super().reserve(slots)
        self._keys.reserve(slots)

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        super().update(rows, ledger, at)
        rows = rows.only_chosen()
        keys = rows.arguments[1].words
        weights = rows.signs.astype(np.int64) if len(rows.signs) else np.ones(len(rows.slots), np.int64)
        self._keys.weigh(rows.slots, keys, weights)
        twice = keys[self._keys.counts_of(rows.slots, keys) > 1]
        if len(twice):
            (key,) = series_of(twice[:1], np.ones(1, np.bool_), STRING, self._pool)
            raise RiachoError(
                f"JSON_OBJECTAGG got the key {key} twice in a group",
                mend="group by more columns, or aggregate the values of each key first",
            )

    def _members(self, slots: Int64Array) -> tuple[Int64Array, Int64Array]:
        words, ends = super()._members(slots)
        members = series_of(words, np.ones(len(words), np.bool_), STRING, self._pool)
        keys = members.str.extract(_KEY).str.json_decode(pl.String)
        owners = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        placed = pl.DataFrame({"owner": owners, "key": keys, "word": words}).sort("owner", "key")
        return placed["word"].to_numpy(), ends

    def release(self, slots: Int64Array) -> None:
        super().release(slots)
        self._keys.forget_groups(slots)

    def snapshot(self) -> StateArrays:
        return super().snapshot() | prefixed("keys", self._keys.snapshot())

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        super().restore(state)
        self._keys.restore(section("keys", state))


_KEY = r'^("(?:[^"\\]|\\.)*")'
"""The key of a member of a JSON object, in its quotes."""

_WRAPPERS = {"JSON_ARRAYAGG": ("[", ",", "]"), "JSON_OBJECTAGG": ("{", ",", "}")}
