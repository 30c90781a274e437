"""The partitions of an input: a slot for each distinct value of some of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.leaf_words import LeafWords
from riacho.dataflow.state.rows import Located
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec
from riacho.formats.buffered import Columnar, column_of
from riacho.plan.relations import Schema

Int64Array = npt.NDArray[np.int64]


class Partitions:
    """Slots of partitions by the values of `fields`; without fields all rows are one partition.

    Keys of values with a fixed width are read from the batch's memory as they are, others through a pool of strings.
    """

    def __init__(self, schema: Schema, fields: tuple[int, ...]) -> None:
        self._fields = fields
        self._pool = StringPool()
        self._codec = RowCodec(tuple(schema[index] for index in fields), self._pool)
        self._fixed = LeafWords(schema, fields)
        self._index = KeyIndex(self._fixed.width if self._fixed.exact else self._codec.width)

    @property
    def slots_used(self) -> int:
        """One past the greatest slot ever given out."""
        return self._index.slots_used

    def live(self) -> Int64Array:
        """The slots of all partitions, ascending."""
        return self._index.live()

    @property
    def bytes(self) -> int:
        return self._pool.bytes + self._index.bytes

    def known(self, rows: Columnar, located: Located) -> Int64Array:
        """The slot of each row's partition, −1 where it has none."""
        return self._index.find(self._words(rows, located))

    def _words(self, rows: Columnar, located: Located) -> Int64Array:
        if self._fixed.exact:
            return self._fixed.read(located)
        return self._codec.encode([column_of(rows, index) for index in self._fields], rows.height)

    def find(self, rows: Columnar, located: Located) -> tuple[Int64Array, Int64Array]:
        """The slot of each row's partition, and the rows that are the first of theirs, ascending."""
        words = self._words(rows, located)
        found = self._index.upsert(words)
        if not self._fixed.exact:
            self._codec.retain(words[found.new_rows])
        return found

    def release(self, slots: Int64Array) -> None:
        """Forget partitions, each given once."""
        if len(slots):
            if not self._fixed.exact:
                self._codec.release(self._index.keys[slots])
            self._index.release(slots)

    def end_pass(self) -> None:
        """Forget the strings that no partition has."""
        self._pool.collect()

    def snapshot(self) -> StateArrays:
        return {**prefixed("strings", self._pool.snapshot()), **prefixed("keys", self._index.snapshot())}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
