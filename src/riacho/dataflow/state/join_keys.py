"""The keys by which two inputs meet, as dense slots that live while a row of either has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex, Upserted
from riacho.dataflow.state.leaves import leaf_kind
from riacho.dataflow.state.row_runs import runs_of
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import encode, is_interned
from riacho.kernels.keys import (
    FIELD_COLUMNS,
    FIELD_NULL_BIT,
    FIELD_NULL_WORD,
    FIELD_SAFE,
    FIELD_WORD,
    NO_KEY,
    read_keys,
)
from riacho.kernels.row_words import (
    BIT,
    INT8,
    INT16,
    INT32,
    INT64,
    LEAF_NULL_BIT,
    LEAF_NULL_WORD,
    LEAF_WORD,
    NARROW_DECIMAL,
)
from riacho.plan.types import DataType

Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_AS_KEPT = frozenset((INT8, INT16, INT32, INT64, BIT, NARROW_DECIMAL))
"""Kinds of leaves whose words are those of keys."""


Encoded = tuple[Int64Array, BoolArray | None]
"""The words of a column, and which of its rows are not null (None: all)."""

KeptRows = tuple[RowStore, Int64Array, Int64Array]
"""Rows of a store, and where it has the fields of their keys."""


class KeySlots:
    """Slots of keys of these types. In the places of `null_safe` null equals null; elsewhere it matches nothing."""

    def __init__(self, types: Sequence[DataType], null_safe: Iterable[int] = ()) -> None:
        self._types = list(types)
        self._null_safe = sorted(null_safe)
        self._width = max(1, len(self._types) + bool(self._null_safe))
        self._interned = [place for place, kind in enumerate(self._types) if is_interned(kind)]
        self._pool = StringPool()
        self._index = KeyIndex(self._width)

    @property
    def slots_used(self) -> int:
        """One past the greatest slot ever given out."""
        return self._index.slots_used

    @property
    def bytes(self) -> int:
        return self._pool.bytes + self._index.bytes

    def find(self, batch: Batch, columns: Sequence[int]) -> tuple[Int64Array, Int64Array]:
        """(the slot of each row's key, the slots made for it); `NO_KEY` for keys that match nothing."""
        return self._find(self._encoded(batch, columns), len(batch))

    def _find(self, encoded: list[Encoded], rows: int) -> tuple[Int64Array, Int64Array]:
        words, complete = self._words(encoded, rows)
        if complete is None:
            slots, new_rows = self._upsert(words)
            return slots, slots[new_rows]
        whole = np.flatnonzero(complete)
        found, new_rows = self._upsert(words[whole])
        slots = np.full(rows, NO_KEY, np.int64)
        slots[whole] = found
        return slots, found[new_rows]

    def find_in_runs(self, batch: Batch, columns: Sequence[int]) -> Int64Array:
        """The slot of each row's key, as `find`: for rows whose keys are mostly those of the rows before them."""
        encoded = self._encoded(batch, columns)
        if not encoded or any(valid is not None for _, valid in encoded):
            return self._find(encoded, len(batch))[0]
        runs = runs_of([words for words, _ in encoded])
        words = np.zeros((len(runs.heads), self._width), np.int64)
        for place, (column_words, _) in enumerate(encoded):
            words[:, place] = column_words[runs.heads]
        slots: Int64Array = self._upsert(words).slots[runs.of_rows]
        return slots

    def fields_in(self, store: RowStore, columns: Sequence[int]) -> Int64Array | None:
        """Where kept rows have the fields of a key, for `find_kept`; None where their words are no key's."""
        if not all(leaf_kind(store.fields[column].type) in _AS_KEPT for column in columns):
            return None
        fields = np.full((len(columns), FIELD_COLUMNS), -1, np.int64)
        for place, (line, column) in enumerate(zip(fields, columns, strict=True)):
            leaf = store.leaf(column)
            line[[FIELD_WORD, FIELD_NULL_WORD, FIELD_NULL_BIT]] = leaf[[LEAF_WORD, LEAF_NULL_WORD, LEAF_NULL_BIT]]
            if place in self._null_safe:
                line[FIELD_SAFE] = self._null_safe.index(place)
        return fields

    def find_kept(self, kept: Sequence[KeptRows]) -> Int64Array:
        """The slot of each row's key, of one store's rows after another's; `NO_KEY` for keys that match nothing."""
        rows = 0
        for _, some, _ in kept:
            rows += len(some)
        words = np.empty((rows, self._width), np.int64)
        hashes, slots = np.empty(rows, np.uint64), np.empty(rows, np.int64)
        lacking = first = 0
        for store, some, fields in kept:
            if len(some):
                lacking += read_keys(some, store.words, fields, first, words, hashes, slots)
                first += len(some)
        self._index.upsert_into(slots, words, hashes, lacking=lacking > 0)
        return slots

    def _words(self, encoded: list[Encoded], rows: int) -> tuple[Int64Array, BoolArray | None]:
        """The words of each row's key, and which keys are complete (None: all)."""
        if self._width == 1 and encoded and encoded[0][0].flags.c_contiguous:
            return encoded[0][0].reshape(-1, 1), encoded[0][1]
        words = np.zeros((rows, self._width), np.int64)
        complete: BoolArray | None = None
        for place, (column_words, valid) in enumerate(encoded):
            words[:, place] = column_words
            if valid is None:
                continue
            if place in self._null_safe:
                words[:, -1] |= (~valid).astype(np.int64) << self._null_safe.index(place)
            else:
                complete = valid if complete is None else complete & valid
        return words, complete

    def _encoded(self, batch: Batch, columns: Sequence[int]) -> list[Encoded]:
        return [
            encode(batch.column(column), kind, self._pool) for column, kind in zip(columns, self._types, strict=True)
        ]

    def _upsert(self, words: Int64Array) -> Upserted:
        found = self._index.upsert(words)
        if self._interned and len(found.new_rows):
            self._pool.retain(words[found.new_rows][:, self._interned])
        return found

    def release(self, slots: Int64Array) -> None:
        """Forget keys, each given once."""
        if self._interned:
            self._pool.release(self._index.keys[slots][:, self._interned])
        self._index.release(slots)

    def clear(self) -> None:
        """Forget all keys."""
        self._index.clear()
        if self._interned:
            self._pool = StringPool()

    def end_pass(self) -> None:
        """Forget the strings that no key has."""
        if self._interned:
            self._pool.collect()

    def snapshot(self) -> StateArrays:
        return {**prefixed("strings", self._pool.snapshot()), **prefixed("keys", self._index.snapshot())}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))


class JoinKeys:
    """Slots of keys of these types, with the number of rows that have each."""

    def __init__(self, types: Sequence[DataType]) -> None:
        self._keys = KeySlots(types)
        self._population = Growable(np.int64)

    @property
    def slots_used(self) -> int:
        """One past the greatest slot ever given out."""
        return self._keys.slots_used

    def live(self) -> Int64Array:
        """The slots of keys that rows have, ascending."""
        return np.flatnonzero(self._population.values[: self._keys.slots_used])

    @property
    def bytes(self) -> int:
        return self._keys.bytes + self._population.bytes

    def add(self, batch: Batch, columns: Sequence[int]) -> Int64Array:
        """The slot of each row's key, one more row of which is kept; `NO_KEY` for those with a null."""
        slots, new = self._keys.find(batch, columns)
        self._population.reserve(self._keys.slots_used)
        self._population.values[new] = 0
        np.add.at(self._population.values, slots[slots >= 0], 1)
        return slots

    def release(self, keys: Int64Array) -> None:
        """As many rows with these keys are kept no more."""
        keys = keys[keys >= 0]
        np.subtract.at(self._population.values, keys, 1)
        keys = np.unique(keys)
        self._keys.release(keys[self._population.values[keys] == 0])
        self._keys.end_pass()

    def snapshot(self) -> StateArrays:
        return {"population": self._population.copy(self._keys.slots_used), **self._keys.snapshot()}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._population.load(state["population"])
        self._keys.restore(state)
