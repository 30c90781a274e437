"""What a batch does when its input has ended: all rows at once, and the row of an aggregate over no rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import END_OF_TIME, Batch
from riacho.dataflow.expressions import Evaluator, Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import concatenate, empty_batch
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_frame
from riacho.plan.ordering import SortKey
from riacho.plan.relations import EmptyGroup, Materialize, Schema


def end_of(batch: Batch) -> int | None:
    """The sequence number after which the input has ended, if that is in this pass."""
    steps = batch.watermark
    ends = len(steps.value) and steps.value[-1] == END_OF_TIME
    return int(steps.sequence[-1]) if ends else None


def sorted_rows(rows: pl.DataFrame, order: tuple[SortKey, ...], offset: int, limit: int | None) -> pl.DataFrame:
    """The rows in their order; those that are equal in it stay as they are."""
    if order:
        rows = rows.sort(
            [rows.columns[key.column] for key in order],
            descending=[key.descending for key in order],
            nulls_last=[not key.nulls_first for key in order],
            maintain_order=True,
        )
    return rows.slice(offset, limit)


class MaterializeOperator:
    """Counts equal rows as they come and go, and emits those that are left when the input has ended.

    Delta rule: nothing before the end, then +row for each that is left, in the order in which they last came.
    """

    def __init__(self, relation: Materialize) -> None:
        self._relation = relation
        self._schema = relation.schema
        self._pool = StringPool()
        self._codec = RowCodec(self._schema.fields, self._pool)
        self._index = KeyIndex(self._codec.width)
        self._weights, self._arrivals = Growable(np.int64), Growable(np.int64)
        self._arrived = 0

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if len(batch):
            self._take(batch)
        end = end_of(batch)
        if end is None:
            return empty_batch(self._schema, batch.watermark)
        slots = self._index.live()
        slots = slots[self._weights.values[slots] > 0]
        slots = slots[np.argsort(self._arrivals.values[slots])]
        slots = np.repeat(slots, self._weights.values[slots])
        rows = build_frame(self._schema.fields, self._codec.decode(self._index.keys[slots]), len(slots))
        rows = sorted_rows(rows, self._relation.order, self._relation.offset, self._relation.limit)
        return Batch(rows, np.full(rows.height, end, np.int64), batch.watermark)

    def _take(self, batch: Batch) -> None:
        words = self._codec.encode(batch.frame.get_columns(), len(batch))
        slots, new_rows = self._index.upsert(words)
        self._codec.retain(words[new_rows])
        for part in (self._weights, self._arrivals):
            part.reserve(self._index.slots_used)
            part.values[slots[new_rows]] = 0
        signs = batch.signs()
        np.add.at(self._weights.values, slots, signs.astype(np.int64))
        added = np.flatnonzero(signs > 0)
        self._arrivals.values[slots[added]] = self._arrived + added
        self._arrived += len(batch)
        touched = np.unique(slots)
        gone = touched[self._weights.values[touched] == 0]
        self._codec.release(self._index.keys[gone])
        self._index.release(gone)
        self._pool.collect()

    def snapshot(self) -> StateArrays:
        slots = self._index.slots_used
        return {
            "weights": self._weights.copy(slots),
            "arrivals": self._arrivals.copy(slots),
            "arrived": np.array([self._arrived]),
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("rows", self._index.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._weights.load(state["weights"])
        self._arrivals.load(state["arrivals"])
        self._arrived = int(state["arrived"][0])
        self._pool.restore(section("strings", state))
        self._index.restore(section("rows", state))

    @property
    def state_bytes(self) -> int:
        return sum(part.bytes for part in (self._pool, self._index, self._weights, self._arrivals))

    @property
    def late_rows(self) -> int:
        return 0


class EmptyGroupOperator:
    """Hands on the only group's row; where it has none at the end of the input, there is one of no rows."""

    def __init__(self, relation: EmptyGroup, settings: Settings) -> None:
        self._schema = relation.schema
        nothing = Schema(())
        row = Evaluator(relation.values, self._schema.names, nothing, settings)
        self._row = row.evaluate_frame(pl.DataFrame(height=1))
        self._rows = 0

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        self._rows += int(batch.signs().sum(dtype=np.int64))
        end = end_of(batch)
        if end is None or self._rows:
            return batch
        row = Batch(self._row, np.array([end]), batch.watermark)
        return concatenate([batch, row], self._schema.names, batch.watermark)

    def snapshot(self) -> StateArrays:
        return {"rows": np.array([self._rows])}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._rows = int(state["rows"][0])

    @property
    def state_bytes(self) -> int:
        return 0

    @property
    def late_rows(self) -> int:
        return 0
