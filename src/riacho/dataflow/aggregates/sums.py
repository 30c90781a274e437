"""SUM and AVG. SUM keeps the type of its argument and wraps; AVG of integers truncates; both are null over no values.

Source: Flink's SumAggFunction, SumWithRetractAggFunction and AvgAggFunction.
"""

from __future__ import annotations

import numpy as np

from riacho.dataflow.aggregates.calls import apply_one
from riacho.dataflow.aggregates.contract import BoolArray, Cells, InCells, Int64Array, Rows, Uint64Array, Words
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import NARROW_DECIMAL, limbs_of_ids, words_of_floats
from riacho.kernels.aggregate import (
    FINITE,
    FLOAT_CELLS,
    NANS,
    NEGATIVE_INFINITIES,
    POSITIVE_INFINITIES,
    SUM,
    add_decimals,
    add_floats,
    merge_decimals,
    merge_floats,
    merge_sums,
)
from riacho.kernels.decimals import average_decimals
from riacho.kernels.group_results import QUOTIENT, WRAPPED
from riacho.plan.expressions import AggregateCall
from riacho.plan.types import DecimalType, FloatType, IntegerType

MAX_UNSCALED = 10**38
"""One past the greatest unscaled value of a DECIMAL; a sum beyond it is null, as in Flink."""


class IntegerSum(InCells):
    """SUM and AVG of integers, modulo 2^64: every narrower type's wrapped sum is in it. Cells: sum, count."""

    cells = 2
    kind = SUM

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        apply_one(SUM, rows, ledger, at)

    def merge(self, parts: Int64Array, source: Int64Array, target: Int64Array, ledger: Int64Array, at: int) -> None:
        merge_sums(source, target, parts, ledger, at, 2)

    def read_off(self, call: AggregateCall) -> int:
        return QUOTIENT if call.function == "AVG" else WRAPPED

    def result(self, call: AggregateCall, cells: Cells) -> Words:
        kind = call.type
        assert isinstance(kind, IntegerType)
        sums, counts = cells.values
        valid = cells.present(1)
        if call.function == "AVG":
            divisor = counts if valid is None else np.where(valid, counts, 1)
            quotient = sums // divisor
            quotient += (quotient < 0) & (quotient * divisor != sums)  # Java's division truncates
            sums = quotient
        return Words(_wrapped(sums, kind), valid)


def _wrapped(values: Int64Array, kind: IntegerType) -> Int64Array:
    shift = 64 - kind.bits
    wrapped: Int64Array = (values << shift) >> shift if shift else values
    return wrapped


class FloatSum(InCells):
    """SUM and AVG of FLOAT and DOUBLE: compensated, so that a retracted value leaves next to nothing behind.

    NaN and infinities are counted, not added, so that they can be taken away.
    """

    cells = FLOAT_CELLS

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        add_floats(rows.slots, rows.signs, rows.chosen, rows.words, ledger, ledger.view(np.float64), at)
        if len(rows.signs):  # what rounding left of retracted values goes with the last of them
            emptied = rows.touched[ledger[rows.touched, at + FINITE] == 0]
            ledger[emptied, at : at + FINITE] = 0

    def merge(self, parts: Int64Array, source: Int64Array, target: Int64Array, ledger: Int64Array, at: int) -> None:
        merge_floats(source, target, parts, ledger, ledger.view(np.float64), at)

    def result(self, call: AggregateCall, cells: Cells) -> Words:
        kind = call.type
        assert isinstance(kind, FloatType)
        values = cells.values
        sums = values[0].view(np.float64).copy()
        finite = np.isfinite(sums)  # beyond the largest number nothing is compensated
        sums[finite] += values[1].view(np.float64)[finite]
        rows = values[FINITE:].sum(axis=0)
        if call.function == "AVG":
            sums /= np.maximum(rows, 1)
        special = values[NANS:].any(axis=0)
        if special.any():
            positive, negative = values[POSITIVE_INFINITIES] > 0, values[NEGATIVE_INFINITIES] > 0
            sums[positive] = np.inf
            sums[negative] = -np.inf
            sums[(values[NANS] > 0) | (positive & negative)] = np.nan
        if kind.bits == 32:
            with np.errstate(over="ignore"):
                sums = sums.astype(np.float32).astype(np.float64)
        return Words(words_of_floats(sums), rows != 0)


class DecimalSum(InCells):
    """SUM and AVG of DECIMAL, exact: an unscaled 128-bit integer. Cells: its upper half, its lower half, count."""

    cells = 3

    def __init__(self, argument: DecimalType, pool: StringPool) -> None:
        self._argument = argument
        self._pool = pool

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        words = rows.words
        if self._argument.precision > NARROW_DECIMAL:
            high, low = limbs_of_ids(words, self._pool)
        else:
            high, low = words >> 63, np.ascontiguousarray(words).view(np.uint64)
        add_decimals(rows.slots, rows.signs, rows.chosen, high, low, ledger, at)

    def merge(self, parts: Int64Array, source: Int64Array, target: Int64Array, ledger: Int64Array, at: int) -> None:
        merge_decimals(source, target, parts, ledger, at)

    def result(self, call: AggregateCall, cells: Cells) -> Words:
        kind = call.type
        assert isinstance(kind, DecimalType)
        if call.function == "AVG":
            return self._average(cells.values, kind)
        high, low = cells.values[0], cells.values[1].view(np.uint64)
        return Words(high, (cells.values[2] != 0) & _fits(high, low), low)

    def _average(self, cells: Int64Array, kind: DecimalType) -> Words:
        """The exact quotient, rounded half up."""
        counts = cells[2]
        high, low = np.empty(len(counts), np.int64), np.empty(len(counts), np.uint64)
        fits = np.empty(len(counts), np.bool_)
        digits = kind.scale - self._argument.scale
        assert digits >= 0, "an average has no fewer digits than its values"
        average_decimals(cells[0], cells[1].view(np.uint64), counts, digits, high, low, fits)
        return Words(high, (counts != 0) & fits & _fits(high, low), low)


_MAX_HIGH, _MAX_LOW = divmod(MAX_UNSCALED, 1 << 64)


def _fits(high: Int64Array, low: Uint64Array) -> BoolArray:
    """Whether the absolute 128-bit value is less than 10^38."""
    negative = high < 0
    borrow = (low != 0).astype(np.int64)
    magnitude_high = np.where(negative, -high - borrow, high)
    magnitude_low = np.where(negative, ~low + np.uint64(1), low)
    below: BoolArray = (magnitude_high < _MAX_HIGH) | (
        (magnitude_high == _MAX_HIGH) & (magnitude_low < np.uint64(_MAX_LOW))
    )
    return below & (magnitude_high >= 0)
