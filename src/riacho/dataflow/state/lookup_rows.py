"""The rows of a table that is looked up, by their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import encode, is_interned
from riacho.kernels.chains import append_rows, probe_chains
from riacho.plan.relations import Field
from riacho.plan.types import DataType


class LookupKeys:
    """Keys of these types in words, with the strings that they hold."""

    def __init__(self, types: Sequence[DataType]) -> None:
        self._types = list(types)
        self.pool = StringPool()
        self.width = max(1, len(self._types))

    def words(self, batch: Batch, columns: Sequence[int]) -> tuple[Int64Array, Int64Array]:
        """The words of each row's key, and the rows without a null in it, which alone can match."""
        words = np.zeros((len(batch), self.width), np.int64)
        complete = np.ones(len(batch), np.bool_)
        for place, (column, kind) in enumerate(zip(columns, self._types, strict=True)):
            words[:, place], valid = encode(batch.column(column), kind, self.pool)
            if valid is not None:
                complete &= valid
        return words, np.flatnonzero(complete)

    def retain(self, words: Int64Array) -> None:
        """Keep the strings of these keys."""
        self.pool.retain(self._interned(words))

    def release(self, words: Int64Array) -> None:
        """Let go of the strings of these keys."""
        self.pool.release(self._interned(words))

    def _interned(self, words: Int64Array) -> Int64Array:
        return words[:, [place for place, kind in enumerate(self._types) if is_interned(kind)]]


class LookupRows:
    """Rows of these fields, chained by keys of these types."""

    def __init__(self, types: Sequence[DataType], fields: Sequence[Field]) -> None:
        self._keys = LookupKeys(types)
        self._index = KeyIndex(self._keys.width)
        self.rows = RowStore(fields)
        self._chains = {name: Growable(np.int64) for name in ("heads", "tails", "nexts", "previous")}

    def add(self, batch: Batch, columns: Sequence[int]) -> None:
        """More rows, whose keys are in these columns."""
        words, complete = self._keys.words(batch, columns)
        found, new_rows = self._index.upsert(words[complete])
        self._keys.retain(words[complete][new_rows])
        keys = np.full(len(batch), -1, np.int64)
        keys[complete] = found
        slots = self.rows.keep(batch.rows)
        self.rows.end_pass()
        for name, part in self._chains.items():
            part.reserve(self._index.slots_used if name in ("heads", "tails") else self.rows.slots_used)
        append_rows(slots, keys, *(part.values for part in self._chains.values()))

    def find(self, batch: Batch, columns: Sequence[int]) -> tuple[Int64Array, Int64Array]:
        """The pairs (row of the batch, row of the table) with the same key, in order of the batch."""
        words, complete = self._keys.words(batch, columns)
        keys = np.full(len(batch), -1, np.int64)
        keys[complete] = self._index.find(words[complete])
        self._keys.pool.collect()
        probes, rows = np.empty(len(batch), np.int64), np.empty(len(batch), np.int64)
        heads, nexts = self._chains["heads"].values, self._chains["nexts"].values
        count = probe_chains(keys, heads, nexts, probes, rows)
        if count > len(batch):
            probes, rows = np.empty(count, np.int64), np.empty(count, np.int64)
            probe_chains(keys, heads, nexts, probes, rows)
        return probes[:count], rows[:count]

    def snapshot(self) -> StateArrays:
        keys, rows = self._index.slots_used, self.rows.slots_used
        return {
            **{name: part.copy(keys if name in ("heads", "tails") else rows) for name, part in self._chains.items()},
            **prefixed("strings", self._keys.pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
            **prefixed("rows", self.rows.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        for name, part in self._chains.items():
            part.load(state[name])
        self._keys.pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        self.rows.restore(section("rows", state))

    @property
    def bytes(self) -> int:
        chains = sum(part.bytes for part in self._chains.values())
        return chains + self._keys.pool.bytes + self._index.bytes + self.rows.bytes
