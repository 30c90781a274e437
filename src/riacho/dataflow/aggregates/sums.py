"""SUM and AVG. SUM keeps the type of its argument and wraps; AVG of integers truncates; both are null over no values.

Source: Flink's SumAggFunction, SumWithRetractAggFunction and AvgAggFunction.
"""

from __future__ import annotations

import numpy as np

from riacho.dataflow.aggregates.contract import BoolArray, InCells, Int64Array, Rows, Uint64Array, Words
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import NARROW_DECIMAL, limbs_of_ids, words_of_floats
from riacho.kernels.aggregate import (
    FINITE,
    FLOAT_CELLS,
    NANS,
    NEGATIVE_INFINITIES,
    POSITIVE_INFINITIES,
    add_decimals,
    add_floats,
    add_integers,
    merge_decimals,
    merge_floats,
    merge_sums,
)
from riacho.plan.expressions import AggregateCall
from riacho.plan.types import DecimalType, FloatType, IntegerType

MAX_UNSCALED = 10**38
"""One past the greatest unscaled value of a DECIMAL; a sum beyond it is null, as in Flink."""


class IntegerSum(InCells):
    """SUM and AVG of integers, modulo 2^64: every narrower type's wrapped sum is in it. Cells: sum, count."""

    cells = 2

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        add_integers(rows.slots, rows.signs, rows.chosen, rows.words, ledger, at)

    def merge(self, parts: Int64Array, source: Int64Array, target: Int64Array, ledger: Int64Array, at: int) -> None:
        merge_sums(source, target, parts, ledger, at, 2)

    def result(self, call: AggregateCall, cells: Int64Array) -> Words:
        kind = call.type
        assert isinstance(kind, IntegerType)
        sums, counts = cells
        valid = counts != 0
        if call.function == "AVG":
            divisor = counts if valid.all() else np.where(valid, counts, 1)
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

    def result(self, call: AggregateCall, cells: Int64Array) -> Words:
        kind = call.type
        assert isinstance(kind, FloatType)
        sums = cells[0].view(np.float64) + cells[1].view(np.float64)
        rows = cells[FINITE:].sum(axis=0)
        if call.function == "AVG":
            sums /= np.maximum(rows, 1)
        special = cells[NANS:].any(axis=0)
        if special.any():
            positive, negative = cells[POSITIVE_INFINITIES] > 0, cells[NEGATIVE_INFINITIES] > 0
            sums[positive] = np.inf
            sums[negative] = -np.inf
            sums[(cells[NANS] > 0) | (positive & negative)] = np.nan
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

    def result(self, call: AggregateCall, cells: Int64Array) -> Words:
        kind = call.type
        assert isinstance(kind, DecimalType)
        if call.function == "AVG":
            return self._average(cells, kind)
        valid = cells[2] != 0
        if kind.scale != self._argument.scale:
            return _of_integers([_rescaled(one, self._argument.scale, kind.scale) for one in _unscaled(cells)], valid)
        high, low = cells[0], cells[1].view(np.uint64)
        return Words(high, valid & _fits(high, low), low)

    def _average(self, cells: Int64Array, kind: DecimalType) -> Words:
        """The exact quotient, rounded half up: one Python step per group that changed."""
        counts = cells[2]
        shift = 10 ** max(kind.scale - self._argument.scale, 0)
        quotients = [
            _divided(number * shift, count) if count else 0
            for number, count in zip(_unscaled(cells), counts.tolist(), strict=True)
        ]
        if kind.scale < self._argument.scale:
            quotients = [_rescaled(number, self._argument.scale, kind.scale) for number in quotients]
        return _of_integers(quotients, counts != 0)


def _unscaled(cells: Int64Array) -> list[int]:
    highs, lows = cells[0].tolist(), cells[1].view(np.uint64).tolist()
    return [(high << 64) | low for high, low in zip(highs, lows, strict=True)]


def _divided(number: int, divisor: int) -> int:
    """The quotient rounded half away from zero, as Java's RoundingMode.HALF_UP."""
    magnitude = (2 * abs(number) + divisor) // (2 * divisor)
    return magnitude if number >= 0 else -magnitude


def _rescaled(number: int, scale: int, wanted: int) -> int:
    return number * 10 ** (wanted - scale) if wanted >= scale else _divided(number, 10 ** (scale - wanted))


def _of_integers(values: list[int], valid: BoolArray) -> Words:
    fits = np.array([abs(value) < MAX_UNSCALED for value in values], np.bool_)
    kept = [value if fit else 0 for value, fit in zip(values, fits.tolist(), strict=True)]
    high = np.array([value >> 64 for value in kept], np.int64)
    low = np.array([value & 0xFFFFFFFFFFFFFFFF for value in kept], np.uint64)
    return Words(high, valid & fits, low)


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
