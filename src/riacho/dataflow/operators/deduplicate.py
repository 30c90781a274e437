"""The first or the last row of each key by a time attribute. Flink: Deduplicate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.partitions import Partitions
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.kernels.rank import KEPT_COLUMNS, KEPT_ROW, keep_rows
from riacho.plan.ordering import SortKey
from riacho.plan.relations import Deduplicate, TimeAttribute


class FirstArrivalOperator:
    """Lets the first row of each key pass as it arrives: the order is by processing time. Keeps keys, no rows.

    Rule: the output's change are the rows whose key is new. Flink: ProcTimeDeduplicateKeepFirstRowFunction.
    """

    def __init__(self, relation: Deduplicate, settings: Settings) -> None:
        self._schema = relation.schema
        self._keys = Partitions(relation.input.schema, relation.key)
        self._expiry = Expiry(settings.clock, settings.state_ttl_ms)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if self._expiry:
            self._expiry.begin()
            self._forget(self._expiry.sweep(self._keys.slots_used))
        if not len(batch):
            return batch
        if self._expiry:
            self._forget(self._expiry.stale(self._keys.known(batch.frame)))
        partitions, new_rows = self._keys.find(batch.frame)
        self._expiry.write(partitions[new_rows], self._keys.slots_used)  # a repeated key is not written
        self._keys.end_pass()
        return batch if len(new_rows) == len(batch) else batch.take(new_rows)

    def _forget(self, partitions: Int64Array) -> None:
        self._keys.release(partitions)
        self._expiry.forget(partitions)

    def snapshot(self) -> StateArrays:
        return {
            **prefixed("keys", self._keys.snapshot()),
            **prefixed("expiry", self._expiry.snapshot(self._keys.slots_used)),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._keys.restore(section("keys", state))
        self._expiry.restore(section("expiry", state), self._keys.slots_used)

    @property
    def state_bytes(self) -> int:
        return self._keys.bytes + self._expiry.bytes

    @property
    def late_rows(self) -> int:
        return 0


class DeduplicateOperator:
    """Keeps one row per key and emits −old +new for each key whose row a pass changed.

    Rule: a key's row is replaced by one that is earlier (keep first), or as late or later (keep last); of equal times
    the first arrival is the first, the last arrival the last. By processing time every arrival is later.
    Flink: RowTimeDeduplicateFunction, ProcTimeDeduplicateKeepLastRowFunction.
    """

    def __init__(self, relation: Deduplicate, settings: Settings) -> None:
        self._schema = relation.schema
        self._keep_last = relation.keep_last
        self._keys = Partitions(relation.input.schema, relation.key)
        self._rows = RowStore(relation.input.schema.fields)
        by_rowtime = relation.input.schema[relation.time].time is TimeAttribute.ROWTIME
        self._order = self._rows.sort_keys([SortKey(relation.time)] if by_rowtime else [])
        self._kept = Growable(np.int64, width=KEPT_COLUMNS)
        self._expiry = Expiry(settings.clock, settings.state_ttl_ms)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if self._expiry:
            self._expiry.begin()
            self._forget(self._expiry.sweep(self._keys.slots_used))
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        if self._expiry:
            self._forget(self._expiry.stale(self._keys.known(batch.frame)))
        assert batch.diff is None, "what is deduplicated is only added to"
        rows, height = self._rows, len(batch)
        partitions, new_rows = self._keys.find(batch.frame)
        self._kept.reserve(self._keys.slots_used)
        self._kept.values[partitions[new_rows]] = 0
        slots = rows.stage(batch.frame)
        out, moments = np.empty(2 * height, np.int64), np.empty(2 * height, np.int64)
        diff, removed, counts = np.empty(2 * height, np.int8), np.empty(2 * height, np.int64), np.zeros(1, np.int64)
        made = keep_rows(
            slots,
            partitions,
            rows.words,
            rows.chunk_addresses,
            self._order,
            rows.view_marks,
            int(self._keep_last),
            self._kept.values,
            out,
            diff,
            moments,
            removed,
            counts,
        )
        out, diff = out[:made], diff[:made]
        self._expiry.write(partitions[moments[:made]], self._keys.slots_used)  # where the row stays, nothing is written
        rows.settle(out[diff > 0])
        frame = rows.frame(out)
        rows.release(removed[: counts[0]])
        rows.end_pass()
        self._keys.end_pass()
        signed = None if (diff > 0).all() else diff
        return Batch(frame, batch.sequence[moments[:made]], batch.watermark, signed)

    def _forget(self, partitions: Int64Array) -> None:
        """Let go of keys whose time is over, and of their rows."""
        if not len(partitions):
            return
        kept = self._kept.values[partitions, KEPT_ROW]
        self._rows.release(kept[kept > 0] - 1)
        self._kept.values[partitions] = 0
        self._keys.release(partitions)
        self._expiry.forget(partitions)

    def snapshot(self) -> StateArrays:
        return {
            **prefixed("keys", self._keys.snapshot()),
            **prefixed("expiry", self._expiry.snapshot(self._keys.slots_used)),
            **prefixed("rows", self._rows.snapshot()),
            "kept": self._kept.values[: self._keys.slots_used, KEPT_ROW].copy(),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._keys.restore(section("keys", state))
        self._expiry.restore(section("expiry", state), self._keys.slots_used)
        self._rows.restore(section("rows", state))
        self._kept.reserve(len(state["kept"]))
        self._kept.values[: len(state["kept"]), KEPT_ROW] = state["kept"]

    @property
    def state_bytes(self) -> int:
        return self._keys.bytes + self._rows.bytes + self._kept.bytes + self._expiry.bytes

    @property
    def late_rows(self) -> int:
        return 0
