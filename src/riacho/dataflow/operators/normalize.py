"""Upserts to a changelog: a row replaces the last one of its key, a tombstone removes it. Flink: ChangelogNormalize."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import ADDED, Batch
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
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

    def __init__(self, relation: Normalize, settings: Settings) -> None:
        self._schema = relation.schema
        self._key = relation.key
        self._pool = StringPool()
        self._codec = RowCodec(self._schema.fields, self._pool)
        self._key_codec = RowCodec(tuple(self._schema[key] for key in relation.key), self._pool)
        self._index = KeyIndex(self._key_codec.width)
        self._current = Growable(np.int64, width=self._codec.width)
        self._present = Growable(np.int64)
        self._expiry = Expiry(settings.clock, settings.state_ttl_ms)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if self._expiry:
            self._expiry.begin()
            self._forget(self._expiry.sweep(self._index.slots_used))
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        words = self._codec.encode(batch.frame.get_columns(), len(batch))
        keys = self._key_codec.encode([batch.frame.to_series(key) for key in self._key], len(batch))
        if self._expiry:
            self._forget(self._expiry.stale(self._index.find(keys)))
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
        self._expiry.write(touched, self._index.slots_used)
        self._release(touched[present[touched] == 0])
        self._pool.collect()
        return Batch(
            frame,
            batch.sequence[rows],
            batch.watermark,
            None if (diff > 0).all() else diff,
            None if batch.split is None else batch.split[rows],
        )

    def _forget(self, slots: npt.NDArray[np.int64]) -> None:
        """Let go of keys whose time is over, and of their rows."""
        self._codec.release(self._rows_of(slots))
        self._present.values[slots] = 0
        self._release(slots)

    def _release(self, slots: npt.NDArray[np.int64]) -> None:
        """Let go of keys that have no row."""
        self._key_codec.release(self._index.keys[slots])
        self._index.release(slots)
        self._expiry.forget(slots)

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
            **prefixed("expiry", self._expiry.snapshot(slots)),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._current.load(state["current"])
        self._present.load(state["present"])
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        self._expiry.restore(section("expiry", state), self._index.live())

    @property
    def state_bytes(self) -> int:
        return sum(part.bytes for part in (self._pool, self._index, self._current, self._present, self._expiry))

    @property
    def late_rows(self) -> int:
        return 0
