"""The last row of each key by a time attribute, or the first by processing time. Flink: Deduplicate."""

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
from riacho.dataflow.state.given_rows import OutputRows
from riacho.dataflow.state.leaf_words import OrderWords
from riacho.dataflow.state.partitions import Partitions
from riacho.dataflow.state.rows import Located, RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.kernels.deduplicate import (
    CHANGE_LINES,
    CHANGED,
    CHOSEN,
    DECISION_LINES,
    KEPT_ROW,
    KEPT_WORDS,
    MOMENT,
    REPLACED,
    WRITTEN,
    decide_rows,
    emit_replaced,
)
from riacho.plan.ordering import SortKey
from riacho.plan.relations import Deduplicate, TimeAttribute


class FirstArrivalOperator:
    """Lets the first row of each key pass as it arrives: the order is by processing time. Keeps keys, no rows.

    Rule: the output's change are the rows whose key is new. Flink: ProcTimeDeduplicateKeepFirstRowFunction.
    """

    def __init__(self, relation: Deduplicate, settings: Settings) -> None:
        self._schema = relation.schema
        self._keys = Partitions(relation.input.schema, relation.key)
        self._places = list(range(len(relation.input.schema.fields)))
        self._expiry = Expiry(settings.clock, settings.state_ttl_ms)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if self._expiry:
            self._expiry.begin()
            self._forget(self._expiry.sweep(self._keys.slots_used))
        if not len(batch):
            return batch
        located = Located(batch.rows, self._places)
        if self._expiry:
            self._forget(self._expiry.stale(self._keys.known(batch.rows, located)))
        partitions, new_rows = self._keys.find(batch.rows, located)
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
        self._expiry.restore(section("expiry", state), self._keys.live())

    @property
    def state_bytes(self) -> int:
        return self._keys.bytes + self._expiry.bytes

    @property
    def late_rows(self) -> int:
        return 0


class DeduplicateOperator:
    """Keeps the last row of each key and emits −old +new for each key whose row a pass changed.

    Rule: a key's row is replaced by one that is as late or later. By processing time every arrival is later.
    Flink: RowTimeDeduplicateFunction, ProcTimeDeduplicateKeepLastRowFunction.
    """

    def __init__(self, relation: Deduplicate, settings: Settings) -> None:
        self._schema = relation.schema
        self._keys = Partitions(relation.input.schema, relation.key)
        self._rows = RowStore(relation.input.schema.fields)
        self._output = OutputRows(relation.schema.fields, [len(relation.input.schema)])
        by_rowtime = relation.input.schema[relation.time].time is TimeAttribute.ROWTIME
        self._order = OrderWords(relation.input.schema, [SortKey(relation.time)] if by_rowtime else [])
        self._kept = Growable(np.int64, width=KEPT_WORDS + self._order.width)
        self._expiry = Expiry(settings.clock, settings.state_ttl_ms)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if self._expiry:
            self._expiry.begin()
            self._forget(self._expiry.sweep(self._keys.slots_used))
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        assert batch.diff is None, "what is deduplicated is only added to"
        rows, kept = self._rows, self._kept
        located = rows.locate(batch.rows)
        if self._expiry:
            self._forget(self._expiry.stale(self._keys.known(batch.rows, located)))
        partitions, _ = self._keys.find(batch.rows, located)
        kept.reserve(self._keys.slots_used)
        decided = np.empty((DECISION_LINES, len(batch)), np.int64)
        count = decide_rows(partitions, self._order.read(located), 1, kept.values, decided)
        chosen, replaced = decided[CHOSEN, :count], decided[REPLACED, :count]
        slots, gone = rows.replace(located, chosen, replaced)
        changes, diff = np.empty((CHANGE_LINES, 2 * count), np.int64), np.empty(2 * count, np.int8)
        made, added = emit_replaced(chosen, replaced, slots, partitions, batch.sequence, kept.values, changes, diff)
        if self._expiry:  # where the row stays, nothing is written
            self._expiry.write(changes[WRITTEN, :made], self._keys.slots_used)
        if made:
            given = self._output.rows([rows.give(changes[CHANGED, :made])], made)
            output = Batch(given, changes[MOMENT, :made], batch.watermark, None if added == made else diff[:made])
        else:
            output = empty_batch(self._schema, batch.watermark)
        if len(gone):
            rows.release(gone)
        rows.end_pass()
        self._keys.end_pass()
        return output

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
            "kept": self._kept.copy(self._keys.slots_used),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._keys.restore(section("keys", state))
        self._expiry.restore(section("expiry", state), self._keys.live())
        self._rows.restore(section("rows", state))
        self._kept.load(state["kept"])

    @property
    def state_bytes(self) -> int:
        return self._keys.bytes + self._rows.bytes + self._kept.bytes + self._expiry.bytes

    @property
    def late_rows(self) -> int:
        return 0
