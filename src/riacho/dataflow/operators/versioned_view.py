"""The versions of each key that a deduplication by row time tells one after another, for a temporal join to look up.

Flink: Deduplicate (RowTimeDeduplicateFunction), of which a temporal join takes the rows that are new.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.columns import integers
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec
from riacho.plan.relations import VersionedView

NO_TIME = np.iinfo(np.int64).min
"""Of a key that has had no row, and of a row without a time: before all others."""


class VersionedViewOperator:
    """Lets rows pass that are as late as all before them of their key. Keeps each key's last time, no rows.

    A key's time to live begins anew with each of its rows; then any row passes.

    Rule: linear in rows that are only added, in and out; one that comes out stands for the one before of its key.
    """

    def __init__(self, relation: VersionedView, settings: Settings) -> None:
        self._time = relation.time
        self._key = relation.key
        self._pool = StringPool()
        self._codec = RowCodec(tuple(relation.input.schema[index] for index in relation.key), self._pool)
        self._index = KeyIndex(self._codec.width)
        self._last = Growable(np.int64)
        self._expiry = Expiry(settings.clock, settings.state_ttl_ms)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        self._expiry.begin()
        self._forget(self._expiry.sweep(self._index.slots_used))
        if not len(batch):
            return batch
        assert batch.diff is None, "what is deduplicated is only added to"
        words = self._codec.encode([batch.frame.to_series(index) for index in self._key], len(batch))
        self._forget(self._expiry.stale(self._index.find(words)))
        keys, new_rows = self._index.upsert(words)
        self._expiry.write(keys, self._index.slots_used)
        self._codec.retain(words[new_rows])
        self._pool.collect()
        self._last.reserve(self._index.slots_used)
        self._last.values[keys[new_rows]] = NO_TIME
        times = integers(batch.frame.to_series(self._time)).fill_null(int(NO_TIME)).to_numpy()
        passes = (times >= self._last.values[keys]) & (times == _latest_so_far(keys, times))
        np.maximum.at(self._last.values, keys, times)
        return batch if passes.all() else batch.take(np.flatnonzero(passes))

    def _forget(self, keys: Int64Array) -> None:
        self._codec.release(self._index.keys[keys])
        self._index.release(keys)
        self._expiry.forget(keys)

    def snapshot(self) -> StateArrays:
        return {
            **prefixed("expiry", self._expiry.snapshot(self._index.slots_used)),
            "last": self._last.copy(self._index.slots_used),
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        self._last.load(state["last"])
        self._expiry.restore(section("expiry", state), self._index.live())

    @property
    def state_bytes(self) -> int:
        return self._pool.bytes + self._index.bytes + self._last.bytes + self._expiry.bytes

    @property
    def late_rows(self) -> int:
        return 0


def _latest_so_far(keys: Int64Array, times: Int64Array) -> Int64Array:
    """Of each row the greatest time of its key up to and with it.

    >>> _latest_so_far(np.array([0, 1, 0, 1]), np.array([5, 1, 3, 2])).tolist()
    [5, 1, 5, 2]
    """
    order = np.argsort(keys, kind="stable")
    distinct, places = np.unique(times[order], return_inverse=True)
    # Each key's places lie above those of the keys before it, so that one running maximum serves all.
    steps = np.cumsum(np.diff(keys[order], prepend=keys[order[0]]) != 0) * len(distinct)
    latest = np.empty_like(times)
    latest[order] = distinct[np.maximum.accumulate(places + steps) - steps]
    return latest
