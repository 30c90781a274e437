"""Lookup joins of a table that is read once: Δa ⋈ B with B as it was then. Flink: LookupJoin, with the cache FULL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import END_OF_TIME, Batch, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import concatenate, empty_batch
from riacho.dataflow.operators.lookup_pairs import LookupPairs
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.lookup_rows import LookupRows
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.watermark import BEFORE_ALL_ROWS
from riacho.plan.changelog import is_updating
from riacho.plan.relations import Join


class LookupJoinOperator:
    """Reads the right table, which ends, before it lets a left row pass; then each left row meets its rows.

    Left rows that come earlier are held, and pass at the moment at which the table has been read.
    """

    def __init__(self, relation: Join, settings: Settings) -> None:
        left, right = relation.left.schema, relation.right.schema
        assert not is_updating(relation.right), "a table that is looked up is only added to"
        self._relation = relation
        self._schema = relation.schema
        self._table = LookupRows([left[key].type for key in relation.left_keys], right.fields)
        self._pairs = LookupPairs(relation, settings)
        self._loaded = False
        self._held = RowStore(left.fields)
        self._held_diff = Growable(np.int8)
        self._held_rows = 0

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        left, right = inputs
        if len(right):
            self._table.add(right, self._relation.right_keys)
        if not self._loaded:
            if right.watermark.after != END_OF_TIME:
                self._hold(left)
                return empty_batch(self._schema, WatermarkSteps.still())
            self._loaded = True
            left = self._with_held(left, right.watermark)
        return self._pairs.joined(left, self._table)

    # ---- rows that came before the table was read -------------------------------------------------------------

    def _hold(self, batch: Batch) -> None:
        if not len(batch):
            return
        self._held.keep(batch.frame)
        self._held.end_pass()
        self._held_diff.reserve(self._held_rows + len(batch))
        self._held_diff.values[self._held_rows : self._held_rows + len(batch)] = batch.signs()
        self._held_rows += len(batch)

    def _with_held(self, batch: Batch, ended: WatermarkSteps) -> Batch:
        """The rows that were held and those of the batch, none before the moment at which the table had been read."""
        moment = int(ended.sequence[-1]) if len(ended.sequence) else BEFORE_ALL_ROWS
        slots = np.arange(self._held_rows)
        held = Batch(
            self._held.frame(slots),
            np.full(self._held_rows, moment, np.int64),
            batch.watermark,
            self._held_diff.values[: self._held_rows].copy(),
        )
        self._held.release(slots)
        self._held_rows = 0
        late = Batch(batch.frame, np.maximum(batch.sequence, moment), batch.watermark, batch.diff)
        steps = batch.watermark
        level = int(steps.seen_by(np.array([moment + 1]))[0])
        after = steps.sequence > moment
        watermark = WatermarkSteps(
            WatermarkSteps.still().before,
            np.concatenate((np.array([moment], np.int64), steps.sequence[after])),
            np.concatenate((np.array([level], np.int64), steps.value[after])),
        )
        if level == watermark.before:
            watermark = WatermarkSteps(level, watermark.sequence[1:], watermark.value[1:])
        return concatenate([held, late], self._relation.left.schema.names, watermark)

    # ---- state ------------------------------------------------------------------------------------------------

    def snapshot(self) -> StateArrays:
        return {
            "loaded": np.array([self._loaded]),
            "held_diff": self._held_diff.copy(self._held_rows),
            **prefixed("table", self._table.snapshot()),
            **prefixed("held", self._held.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._loaded = bool(state["loaded"][0])
        self._held_diff.load(state["held_diff"])
        self._held_rows = len(state["held_diff"])
        self._table.restore(section("table", state))
        self._held.restore(section("held", state))

    @property
    def state_bytes(self) -> int:
        return self._table.bytes + self._held.bytes + self._held_diff.bytes

    @property
    def late_rows(self) -> int:
        return 0
