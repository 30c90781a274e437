"""One row per primary key for a sink, where several rows of a query share one. Flink: SinkUpsertMaterializer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import ADDED, Batch, Int64Array
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.aggregate import Grouping, known_retractions
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_frame
from riacho.kernels.materialize import arrange_rows, rows_of_keys
from riacho.plan.relations import UpsertMaterialize


class UpsertMaterializeOperator:
    """Keeps every row of the input; each key shows the last that came. When that one goes, the one before it is back.

    Delta rule: for each key that a pass touched, −(last row before) +(last row after), where they differ.
    """

    def __init__(self, relation: UpsertMaterialize, settings: Settings) -> None:
        self._schema = relation.schema
        self._key = relation.key
        self._pool = StringPool()
        self._codec = RowCodec(self._schema.fields, self._pool)
        self._key_codec = RowCodec(tuple(self._schema[key] for key in relation.key), self._pool)
        self._rows = KeyIndex(self._codec.width)
        self._weights, self._nexts, self._previous = (Growable(np.int64) for _ in range(3))
        self._keys = KeyIndex(self._key_codec.width)
        self._tails = Growable(np.int64)
        self._grouping = Grouping()
        self._expiry = Expiry(settings.clock, settings.state_ttl_ms)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if self._expiry:
            self._expiry.begin()
            self._forget(self._expiry.sweep(self._keys.slots_used))
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        key_words = self._key_codec.encode([batch.frame.to_series(key) for key in self._key], len(batch))
        if self._expiry:
            self._forget(self._expiry.stale(self._keys.find(key_words)))
            if batch.diff is not None:
                kept = known_retractions(key_words, batch.diff, self._keys.find(key_words))
                batch, key_words = batch.take(kept), key_words[kept]
                if not len(batch):
                    return empty_batch(self._schema, batch.watermark)
        words = self._codec.encode(batch.frame.get_columns(), len(batch))
        rows, new_rows = self._rows.upsert(words)
        keys, new_keys = self._keys.upsert(key_words)
        self._codec.retain(words[new_rows])
        self._key_codec.retain(key_words[new_keys])
        for part in (self._weights, self._nexts, self._previous):
            part.reserve(self._rows.slots_used)
            part.values[rows[new_rows]] = 0
        self._tails.reserve(self._keys.slots_used)
        self._tails.values[keys[new_keys]] = 0
        self._expiry.write(keys, self._keys.slots_used)
        touched, _, last, _ = self._grouping.touch(keys, self._keys.slots_used)
        before = self._tails.values[touched]
        arrange_rows(
            rows,
            keys,
            ADDED if batch.diff is None else batch.diff,
            self._weights.values,
            self._tails.values,
            self._nexts.values,
            self._previous.values,
        )
        output = self._changes(batch, before, self._tails.values[touched], last)
        self._release(np.unique(rows), touched)
        return output

    def _changes(self, batch: Batch, before: Int64Array, after: Int64Array, last: Int64Array) -> Batch:
        """What each key shows: the old row, then the new one, at the moment of the key's last change."""
        changed = np.flatnonzero(before != after)
        changed = changed[np.argsort(last[changed])]
        links = np.column_stack((before[changed], after[changed])).ravel()
        diff = np.tile(np.array([-1, 1], np.int8), len(changed))
        moments = np.repeat(batch.sequence[last[changed]], 2)
        shown = links > 0
        if not shown.any():
            return empty_batch(self._schema, batch.watermark)
        slots, diff = links[shown] - 1, diff[shown]
        frame = build_frame(self._schema.fields, self._codec.decode(self._rows.keys[slots]), len(slots))
        return Batch(frame, moments[shown], batch.watermark, None if (diff > 0).all() else diff)

    def _release(self, rows: Int64Array, keys: Int64Array) -> None:
        """Forget the rows that are gone, and the keys without any."""
        gone = rows[self._weights.values[rows] == 0]
        self._codec.release(self._rows.keys[gone])
        self._rows.release(gone)
        self._release_keys(keys[self._tails.values[keys] == 0])
        self._pool.collect()

    def _release_keys(self, keys: Int64Array) -> None:
        self._key_codec.release(self._keys.keys[keys])
        self._keys.release(keys)
        self._expiry.forget(keys)

    def _forget(self, keys: Int64Array) -> None:
        """Let go of keys whose time is over, and of all their rows."""
        if not len(keys):
            return
        tails, previous = self._tails.values, self._previous.values
        rows = np.empty(rows_of_keys(keys, tails, previous, np.empty(0, np.int64)), np.int64)
        rows_of_keys(keys, tails, previous, rows)
        self._codec.release(self._rows.keys[rows])
        self._rows.release(rows)
        self._tails.values[keys] = 0
        self._release_keys(keys)

    def snapshot(self) -> StateArrays:
        rows = self._rows.slots_used
        return {
            "weights": self._weights.copy(rows),
            "nexts": self._nexts.copy(rows),
            "previous": self._previous.copy(rows),
            "tails": self._tails.copy(self._keys.slots_used),
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("rows", self._rows.snapshot()),
            **prefixed("keys", self._keys.snapshot()),
            **prefixed("expiry", self._expiry.snapshot(self._keys.slots_used)),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._weights.load(state["weights"])
        self._nexts.load(state["nexts"])
        self._previous.load(state["previous"])
        self._tails.load(state["tails"])
        self._pool.restore(section("strings", state))
        self._rows.restore(section("rows", state))
        self._keys.restore(section("keys", state))
        self._expiry.restore(section("expiry", state), self._keys.live())

    @property
    def state_bytes(self) -> int:
        parts = (
            self._pool,
            self._rows,
            self._keys,
            self._weights,
            self._nexts,
            self._previous,
            self._tails,
            self._grouping,
            self._expiry,
        )
        return sum(part.bytes for part in parts)

    @property
    def late_rows(self) -> int:
        return 0
