"""Rows in the order of time. Flink: TemporalSort (RowTimeSortOperator, ProcTimeSortOperator)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.columns import integers
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.stateless import Stateless
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.sorted_rows import sort_rows
from riacho.plan.relations import Sort

Int64Array = npt.NDArray[np.int64]

MICROSECONDS = 1000


class SortOperator:
    """Keeps the rows that the watermark has not reached; those that it passes are emitted in order.

    Rule: a step of the watermark emits every kept row with a time up to it, equal ones in order of arrival. A row
    behind the watermark before it is late: dropped, and counted.
    """

    def __init__(self, relation: Sort) -> None:
        self._schema = relation.schema
        self._time = relation.order[0].column
        self._rows = RowStore(relation.schema.fields)
        self._keys = self._rows.sort_keys(relation.order)
        self._slots = np.empty(0, np.int64)
        self._times = np.empty(0, np.int64)
        """Of the kept rows, in order of arrival, in milliseconds."""
        self._late = 0

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        assert batch.diff is None, "what is sorted by time is only added to"
        if len(batch):
            self._keep(batch)
        output = self._emit(batch.watermark)
        self._rows.end_pass()
        return output

    def _keep(self, batch: Batch) -> None:
        times = integers(batch.frame.to_series(self._time)).to_numpy() // MICROSECONDS
        late = times <= batch.watermark.seen_by(batch.sequence)
        kept = np.flatnonzero(~late)
        self._late += len(batch) - len(kept)
        slots = self._rows.stage(batch.frame, kept)
        self._rows.settle(slots)
        self._slots = np.concatenate((self._slots, slots))
        self._times = np.concatenate((self._times, times[kept]))

    def _emit(self, watermark: WatermarkSteps) -> Batch:
        due = self._times <= watermark.after
        if not due.any():
            return empty_batch(self._schema, watermark)
        slots, times = self._slots[due], self._times[due]
        order = np.argsort(times, kind="stable")
        slots, times = slots[order], times[order]
        slots = sort_rows(self._rows, self._keys, slots)  # in order of time in the whole order
        frame = self._rows.frame(slots)
        self._rows.release(slots)
        self._slots, self._times = self._slots[~due], self._times[~due]
        # A row comes out at the step that reached it.
        step = np.searchsorted(watermark.value, times, side="left")
        return Batch(frame, watermark.sequence[step], watermark)

    def snapshot(self) -> StateArrays:
        return {
            "slots": self._slots,
            "times": self._times,
            "late": np.array([self._late], np.int64),
            **prefixed("rows", self._rows.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._slots, self._times, self._late = state["slots"], state["times"], int(state["late"][0])
        self._rows.restore(section("rows", state))

    @property
    def state_bytes(self) -> int:
        return self._rows.bytes + self._slots.nbytes + self._times.nbytes

    @property
    def late_rows(self) -> int:
        return self._late


class ArrivalSortOperator(Stateless):
    """Sorts by processing time: the rows of a pass come at one moment, in the order of the keys behind the first.

    Rule: linear. Nothing is kept.
    """

    def __init__(self, relation: Sort) -> None:
        self._rows = RowStore(relation.schema.fields)
        self._keys = self._rows.sort_keys(relation.order[1:])

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        assert batch.diff is None, "what is sorted by time is only added to"
        if not len(batch) or not len(self._keys):
            return batch
        slots = sort_rows(self._rows, self._keys, self._rows.keep(batch.rows))
        frame = self._rows.frame(slots)
        self._rows.release(slots)
        self._rows.end_pass()
        return Batch(frame, np.full(len(batch), batch.sequence[-1]), batch.watermark)
