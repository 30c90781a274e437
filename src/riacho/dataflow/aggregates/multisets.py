"""How often each value occurs, as a result: COLLECT and PERCENTILE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.aggregates.calls import Call, apply
from riacho.dataflow.aggregates.contract import ALL, Int64Array, Rows
from riacho.dataflow.aggregates.lists import lists_of, series_of
from riacho.dataflow.aggregates.values import ValueCounts
from riacho.dataflow.batch import ADDED
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import floats_of_words, is_interned
from riacho.formats.arrow import to_frame
from riacho.kernels.aggregate import COUNT
from riacho.kernels.arrivals import percentiles
from riacho.plan.expressions import AggregateCall
from riacho.plan.types import DataType


class Multiset:
    """Each group's values with their number, which rows and retracted rows add to. Its cell counts changes."""

    cells = 1

    def __init__(self, kind: DataType, pool: StringPool) -> None:
        self._kind = kind
        self._pool = pool
        interned = [0] if is_interned(kind) else []
        self._values = ValueCounts(1, 1, interned=interned, chained=True, pool=pool)

    def reserve(self, slots: int) -> None:
        self._values.reserve(slots)

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        rows = rows.only_chosen()
        weights = rows.signs.astype(np.int64) if len(rows.signs) else np.ones(len(rows.slots), np.int64)
        if len(rows.arguments) > 1:  # a frequency; Flink passes over those that are not positive
            weights = weights * np.maximum(rows.arguments[1].words, 0)
        apply([Call(COUNT, at, None, ALL)], rows.slots, ADDED, ledger)
        self._values.weigh(rows.slots, rows.arguments[0].words, weights)

    def release(self, slots: Int64Array) -> None:
        self._values.forget_groups(slots)

    @property
    def bytes(self) -> int:
        return self._values.bytes

    def snapshot(self) -> StateArrays:
        return self._values.snapshot()

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._values.restore(state)


class Collect(Multiset):
    """COLLECT: a MULTISET of the values that are not NULL, as a map to their number. Flink: CollectAggFunction.

    The values stand in their order, so that equal multisets are equal maps.
    """

    def values(self, call: AggregateCall, slots: Int64Array) -> pl.Series:  # noqa: ARG002 - it has one form
        words, counts, ends = self._values.counted(slots)
        owners = np.repeat(np.arange(len(slots)), np.diff(ends, prepend=0))
        if is_interned(self._kind):
            texts = to_frame([("bytes", self._pool.column(words, None, text=False))], len(words)).to_series()
            keys = texts.rank("dense").to_numpy().astype(np.int64)
        else:
            keys = words
        order = np.lexsort((keys, owners))
        present = np.ones(len(order), np.bool_)
        items = pl.DataFrame(
            {
                "key": series_of(words[order], present, self._kind, self._pool),
                "value": counts[order].astype(np.int32),
            }
        ).to_struct("values")
        return lists_of(items, ends, None)


class Percentile(Multiset):
    """PERCENTILE: exact, interpolated; `constants` are the fractions. Flink: PercentileAggFunction."""

    def values(self, call: AggregateCall, slots: Int64Array) -> pl.Series:
        words, counts, ends = self._values.counted(slots)
        owners = np.repeat(np.arange(len(slots)), np.diff(ends, prepend=0))
        order = np.lexsort((words, owners))
        several = isinstance(call.constants[0], tuple)
        fractions = np.array(call.constants[0] if several else call.constants, np.float64)
        out, valid = np.empty((len(slots), len(fractions))), np.empty(len(slots), np.bool_)
        percentiles(floats_of_words(words[order]), counts[order], ends, fractions, out, valid)
        if several:
            size = len(fractions)
            return lists_of(pl.Series(out.reshape(-1)), np.arange(1, len(slots) + 1) * size, valid & (size > 0))
        return pl.select(pl.when(pl.Series(valid)).then(pl.Series(out[:, 0]))).to_series()
