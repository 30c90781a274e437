"""OVER in a batch: all rows are there before any is given out. Flink: OverAggregate (BufferDataOverWindowOperator).

Delta rule: nothing before the end of the input, then + each row with what its frame gives, in order of arrival.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import Batch
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.bounded import end_of
from riacho.dataflow.operators.bounded_frames import OrderedRows, bounds, in_order
from riacho.dataflow.operators.bounded_numbers import OF_PLACES, of_places
from riacho.dataflow.operators.over_frames import Frames
from riacho.dataflow.operators.over_kinds import over_calls
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.plan.relations import BoundedOver


class BoundedOverOperator:
    """Keeps all rows until the input has ended."""

    def __init__(self, relation: BoundedOver) -> None:
        self._relation = relation
        self._schema = relation.schema
        self._rows = RowStore(relation.input.schema.fields)
        self._slots = np.empty(0, np.int64)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        assert batch.diff is None, "what comes is made sure of below"
        if len(batch):
            self._slots = np.concatenate((self._slots, self._rows.keep(batch.rows)))
            self._rows.end_pass()
        end = end_of(batch)
        if end is None or not len(self._slots):
            return empty_batch(self._schema, batch.watermark)
        rows = self._rows.frame(self._slots)
        results = over_rows(rows, self._relation)
        self._rows.release(self._slots)
        self._slots = np.empty(0, np.int64)
        return Batch(rows.hstack(results), np.full(rows.height, end), batch.watermark)

    def snapshot(self) -> StateArrays:
        return {"slots": self._slots, **prefixed("rows", self._rows.snapshot())}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._slots = state["slots"]
        self._rows.restore(section("rows", state))

    @property
    def state_bytes(self) -> int:
        return self._rows.bytes + self._slots.nbytes

    @property
    def late_rows(self) -> int:
        return 0


def over_rows(rows: pl.DataFrame, over: BoundedOver) -> list[pl.Series]:
    """What the calls give for these rows, which are all that there are."""
    ordered = in_order(rows, over)
    found: dict[int, pl.Series] = {}
    others: list[int] = []
    for place, call in enumerate(over.calls):
        if call.function in OF_PLACES:
            found[place] = of_places(ordered, call)
        else:
            others.append(place)
    if others:
        framed = replace(over, calls=tuple(over.calls[place] for place in others))
        found |= dict(zip(others, _aggregated(ordered, framed), strict=True))
    back = np.empty(rows.height, np.int64)
    back[ordered.places] = np.arange(rows.height)
    names = over.schema.names[rows.width :]
    return [found[place][back].alias(name) for place, name in enumerate(names)]


def _aggregated(ordered: OrderedRows, over: BoundedOver) -> list[pl.Series]:
    """The results of aggregates, in order of the rows; those of equal frames are computed once."""
    lows, highs = bounds(ordered, over)
    starts = np.ones(len(lows), np.bool_)
    if not over.frame.is_up_to_the_row:
        starts[1:] = (lows[1:] != lows[:-1]) | (highs[1:] != highs[:-1])
    frames = Frames(ordered.frame, ordered.keys, ordered.firsts, ordered.begins, lows, highs, np.flatnonzero(starts))
    results: dict[int, pl.Series] = {}
    for places, call in over_calls(over, StringPool()):
        results |= dict(zip(places, call.values(frames), strict=True))
    runs = np.cumsum(starts) - 1
    return [results[place][runs] for place in range(len(over.calls))]
