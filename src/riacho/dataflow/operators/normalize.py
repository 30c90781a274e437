"""Upserts to a changelog: a row replaces the last one of its key, a tombstone removes it. Flink: ChangelogNormalize."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.aggregates.contract import ADDED
from riacho.dataflow.batch import Batch
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_frame
from riacho.kernels.normalize import normalize_upserts
from riacho.plan.relations import Normalize


class NormalizeOperator:
    """Keeps the last row of each key.

    Every upsert is answered by itself, not once per pass, because a `Watermark` above must see each row's time.
    """

    def __init__(self, relation: Normalize) -> None:
        self._schema = relation.schema
        self._key = relation.key
        self._pool = StringPool()
        self._codec = RowCodec(self._schema.fields, self._pool)
        self._key_codec = RowCodec(tuple(self._schema[key] for key in relation.key), self._pool)
        self._index = KeyIndex(self._key_codec.width)
        self._current = Growable(np.int64, width=self._codec.width)
        self._present = Growable(np.int64)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        words = self._codec.encode(batch.frame.get_columns(), len(batch))
        keys = self._key_codec.encode([batch.frame.to_series(key) for key in self._key], len(batch))
        slots, new_rows = self._index.upsert(keys)
        self._current.reserve(self._index.slots_used)
        self._present.reserve(self._index.slots_used)
        self._key_codec.retain(keys[new_rows])
        touched = np.unique(slots)
        self._codec.release(self._rows_of(touched))
        height = 2 * len(batch)
        out = np.empty((height, self._codec.width), np.int64)
        rows, diff = np.empty(height, np.int64), np.empty(height, np.int8)
        signs = ADDED if batch.diff is None else batch.diff
        current, present = self._current.values, self._present.values
        count = normalize_upserts(slots, signs, words, current, present, out, rows, diff)
        self._codec.retain(self._rows_of(touched))
        frame = build_frame(self._schema.fields, self._codec.decode(out[:count]), count)
        rows, diff = rows[:count], diff[:count]
        gone = touched[present[touched] == 0]
        self._key_codec.release(self._index.keys[gone])
        self._index.release(gone)
        self._pool.collect()
        return Batch(
            frame,
            batch.sequence[rows],
            batch.watermark,
            None if (diff > 0).all() else diff,
            None if batch.split is None else batch.split[rows],
        )

    def _rows_of(self, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The rows that these slots have, in words."""
        rows: npt.NDArray[np.int64] = self._current.values[slots[self._present.values[slots] == 1]]
        return rows

    def snapshot(self) -> StateArrays:
        slots = self._index.slots_used
        return {
            "current": self._current.copy(slots),
            "present": self._present.copy(slots),
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._current.load(state["current"])
        self._present.load(state["present"])
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))

    @property
    def state_bytes(self) -> int:
        return sum(part.bytes for part in (self._pool, self._index, self._current, self._present))

    @property
    def late_rows(self) -> int:
        return 0
