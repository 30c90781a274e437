"""The keys by which two inputs meet, as dense slots that live while a row of either has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import encode, is_interned
from riacho.plan.types import DataType

Int64Array = npt.NDArray[np.int64]

NO_KEY = -1
"""The slot of a key with a null in it: it matches nothing."""


class JoinKeys:
    """Slots of keys of these types, with the number of rows that have each."""

    def __init__(self, types: Sequence[DataType]) -> None:
        self._types = list(types)
        self._pool = StringPool()
        self._index = KeyIndex(max(1, len(self._types)))
        self._population = Growable(np.int64)

    @property
    def slots_used(self) -> int:
        """One past the greatest slot ever given out."""
        return self._index.slots_used

    @property
    def bytes(self) -> int:
        return self._pool.bytes + self._index.bytes + self._population.bytes

    def add(self, batch: Batch, columns: Sequence[int]) -> Int64Array:
        """The slot of each row's key, one more row of which is kept; `NO_KEY` for those with a null."""
        words = np.zeros((len(batch), max(1, len(columns))), np.int64)
        complete = np.ones(len(batch), np.bool_)
        for place, (column, kind) in enumerate(zip(columns, self._types, strict=True)):
            words[:, place], valid = encode(batch.frame.to_series(column), kind, self._pool)
            if valid is not None:
                complete &= valid
        matchable = np.flatnonzero(complete)
        words = words[matchable]
        found, new_rows = self._index.upsert(words)
        self._pool.retain(self._interned(words[new_rows]))
        self._population.reserve(self._index.slots_used)
        self._population.values[found[new_rows]] = 0
        np.add.at(self._population.values, found, 1)
        keys = np.full(len(batch), NO_KEY, np.int64)
        keys[matchable] = found
        return keys

    def _interned(self, words: Int64Array) -> Int64Array:
        return words[:, [place for place, kind in enumerate(self._types) if is_interned(kind)]]

    def release(self, keys: Int64Array) -> None:
        """As many rows with these keys are kept no more."""
        keys = keys[keys >= 0]
        np.subtract.at(self._population.values, keys, 1)
        keys = np.unique(keys)
        emptied = keys[self._population.values[keys] == 0]
        self._pool.release(self._interned(self._index.keys[emptied]))
        self._index.release(emptied)
        self._pool.collect()

    def snapshot(self) -> StateArrays:
        return {
            "population": self._population.copy(self._index.slots_used),
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._population.load(state["population"])
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
