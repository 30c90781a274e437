"""Accumulators: what an aggregate function keeps for each group, in arrays addressed by slot.

Source: Flink's built-in aggregate functions. SUM keeps the type of its argument and wraps; AVG of integers truncates;
both are null over no values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.values import ValueCounts
from riacho.dataflow.state.words import NARROW_DECIMAL, limbs_of_ids, words_of_floats
from riacho.kernels.aggregate import (
    FINITE,
    FLOAT_COUNTERS,
    NANS,
    NEGATIVE_INFINITIES,
    POSITIVE_INFINITIES,
    add_counts,
    add_decimals,
    add_floats,
    add_integers,
    keep_extremes,
    keep_text_extremes,
    merge_counts,
    merge_floats,
)
from riacho.plan.types import DecimalType, FloatType, IntegerType

Int8Array = npt.NDArray[np.int8]
Int64Array = npt.NDArray[np.int64]
Uint64Array = npt.NDArray[np.uint64]
BoolArray = npt.NDArray[np.bool_]

MAX_UNSCALED = 10**38
"""One past the greatest unscaled value of a DECIMAL; a sum beyond it is null, as in Flink."""


class Changes(NamedTuple):
    """The rows of a pass for one accumulator.

    `signs` and `chosen` are empty where all rows are added and all count; `words` is empty for COUNT(*).
    `touched` are the distinct slots among `slots`.
    """

    slots: Int64Array
    touched: Int64Array
    signs: Int8Array
    chosen: BoolArray
    words: Int64Array


class Result(NamedTuple):
    """An aggregate's values for some groups: one word each, or two halves for a wide decimal; and which are valid."""

    words: Int64Array
    valid: BoolArray
    low: Uint64Array | None = None

    def differs(self, other: Result) -> BoolArray:
        """Where two results for the same groups are not the same."""
        unequal = self.words != other.words
        if self.low is not None and other.low is not None:
            unequal |= self.low != other.low
        differs: BoolArray = (self.valid != other.valid) | (self.valid & unequal)
        return differs

    def take(self, rows: Int64Array) -> Result:
        return Result(self.words[rows], self.valid[rows], None if self.low is None else self.low[rows])


class Accumulator(Protocol):
    """One function over one argument. Several aggregate calls may read the same accumulator."""

    def reserve(self, slots: int) -> None:
        """Make room for groups up to `slots`."""
        ...

    def reset(self, slots: Int64Array) -> None:
        """Begin new groups."""
        ...

    def update(self, changes: Changes) -> None:
        """Apply a pass's rows."""
        ...

    def release(self, slots: Int64Array) -> None:
        """Let go of what these groups hold; they are reset before they are used again."""
        ...

    @property
    def bytes(self) -> int: ...

    def snapshot(self, slots: int) -> StateArrays: ...

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None: ...


class _Arrays:
    """Accumulators that are nothing but named arrays by slot."""

    def __init__(self, **arrays: Growable) -> None:
        self._arrays = arrays

    def reserve(self, slots: int) -> None:
        for array in self._arrays.values():
            array.reserve(slots)

    def reset(self, slots: Int64Array) -> None:
        for array in self._arrays.values():
            array.values[slots] = 0

    def release(self, slots: Int64Array) -> None:
        """Nothing outside the arrays is held."""

    @property
    def bytes(self) -> int:
        return sum(array.bytes for array in self._arrays.values())

    def snapshot(self, slots: int) -> StateArrays:
        return {name: array.copy(slots) for name, array in self._arrays.items()}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        for name, array in self._arrays.items():
            array.load(state[name])


class Count(_Arrays):
    """COUNT(*), and COUNT of the rows that are chosen."""

    def __init__(self) -> None:
        self.counts = Growable(np.int64)
        super().__init__(counts=self.counts)

    def update(self, changes: Changes) -> None:
        add_counts(changes.slots, changes.signs, changes.chosen, self.counts.values)

    def merge(self, other: Count, source: Int64Array, target: Int64Array) -> None:
        merge_counts(source, target, other.counts.values, self.counts.values)

    def result(self, slots: Int64Array) -> Result:
        return Result(self.counts.values[slots], np.ones(len(slots), np.bool_))


class IntegerSum(_Arrays):
    """SUM and AVG of integers, modulo 2^64: every narrower type's wrapped sum is in it."""

    def __init__(self) -> None:
        self.sums = Growable(np.int64)
        self.counts = Growable(np.int64)
        super().__init__(sums=self.sums, counts=self.counts)

    def update(self, changes: Changes) -> None:
        add_integers(changes.slots, changes.signs, changes.chosen, changes.words, self.sums.values, self.counts.values)

    def merge(self, other: IntegerSum, source: Int64Array, target: Int64Array) -> None:
        merge_counts(source, target, other.sums.values, self.sums.values)
        merge_counts(source, target, other.counts.values, self.counts.values)

    def total(self, slots: Int64Array, kind: IntegerType) -> Result:
        return Result(_wrapped(self.sums.values[slots], kind), self.counts.values[slots] != 0)

    def average(self, slots: Int64Array, kind: IntegerType) -> Result:
        sums, counts = self.sums.values[slots], self.counts.values[slots]
        divisor = np.where(counts == 0, 1, counts)
        quotient = sums // divisor
        quotient += (quotient < 0) & (quotient * divisor != sums)  # Java's division truncates
        return Result(_wrapped(quotient, kind), counts != 0)


def _wrapped(values: Int64Array, kind: IntegerType) -> Int64Array:
    shift = 64 - kind.bits
    wrapped: Int64Array = (values << shift) >> shift
    return wrapped


class FloatSum(_Arrays):
    """SUM and AVG of FLOAT and DOUBLE: compensated, so that a retracted value leaves next to nothing behind."""

    def __init__(self) -> None:
        self.sums = Growable(np.float64, width=2)
        self.counts = Growable(np.int64, width=FLOAT_COUNTERS)
        super().__init__(sums=self.sums, counts=self.counts)

    def update(self, changes: Changes) -> None:
        add_floats(changes.slots, changes.signs, changes.chosen, changes.words, self.sums.values, self.counts.values)
        if len(changes.signs):  # what rounding left of retracted values goes with the last of them
            emptied = changes.touched[self.counts.values[changes.touched, FINITE] == 0]
            self.sums.values[emptied] = 0.0

    def merge(self, other: FloatSum, source: Int64Array, target: Int64Array) -> None:
        merge_floats(source, target, other.sums.values, other.counts.values, self.sums.values, self.counts.values)

    def total(self, slots: Int64Array, kind: FloatType) -> Result:
        return self._result(slots, kind, averaged=False)

    def average(self, slots: Int64Array, kind: FloatType) -> Result:
        return self._result(slots, kind, averaged=True)

    def _result(self, slots: Int64Array, kind: FloatType, *, averaged: bool) -> Result:
        counts = self.counts.values[slots]
        sums = self.sums.values[slots].sum(axis=1)
        rows = counts.sum(axis=1)
        if averaged:
            sums /= np.maximum(rows, 1)
        positive, negative = counts[:, POSITIVE_INFINITIES] > 0, counts[:, NEGATIVE_INFINITIES] > 0
        sums[positive] = np.inf
        sums[negative] = -np.inf
        sums[(counts[:, NANS] > 0) | (positive & negative)] = np.nan
        if kind.bits == 32:
            with np.errstate(over="ignore"):
                sums = sums.astype(np.float32).astype(np.float64)
        return Result(words_of_floats(sums), rows != 0)


class DecimalSum(_Arrays):
    """SUM and AVG of DECIMAL, exact: unscaled 128-bit integers in two halves."""

    def __init__(self, argument: DecimalType, pool: StringPool) -> None:
        self._argument = argument
        self._pool = pool
        self.high = Growable(np.int64)
        self.low = Growable(np.uint64)
        self.counts = Growable(np.int64)
        super().__init__(high=self.high, low=self.low, counts=self.counts)

    def update(self, changes: Changes) -> None:
        words = changes.words
        if self._argument.precision > NARROW_DECIMAL:
            high, low = limbs_of_ids(words, self._pool)
        else:
            high, low = words >> 63, np.ascontiguousarray(words).view(np.uint64)
        self._add(changes.slots, changes.signs, changes.chosen, high, low)

    def _add(self, slots: Int64Array, signs: Int8Array, chosen: BoolArray, high: Int64Array, low: Uint64Array) -> None:
        add_decimals(slots, signs, chosen, high, low, self.high.values, self.low.values, self.counts.values)

    def merge(self, other: DecimalSum, source: Int64Array, target: Int64Array) -> None:
        add_decimals(
            target,
            np.empty(0, np.int8),
            np.empty(0, np.bool_),
            other.high.values[source],
            other.low.values[source],
            self.high.values,
            self.low.values,
            self.counts.values,
        )
        # The kernel counted partial results, not rows.
        np.subtract.at(self.counts.values, target, 1)
        merge_counts(source, target, other.counts.values, self.counts.values)

    def total(self, slots: Int64Array, kind: DecimalType) -> Result:
        values = (
            [_rescaled(number, self._argument.scale, kind.scale) for number in self._unscaled(slots)]
            if kind.scale != self._argument.scale
            else None
        )
        valid = self.counts.values[slots] != 0
        if values is not None:
            return _of_integers(values, valid)
        high, low = self.high.values[slots], self.low.values[slots]
        return Result(high, valid & _fits(high, low), low)

    def average(self, slots: Int64Array, kind: DecimalType) -> Result:
        """The exact quotient, rounded half up: one Python step per group that changed."""
        counts = self.counts.values[slots]
        shift = 10 ** max(kind.scale - self._argument.scale, 0)
        quotients = [
            _divided(number * shift, int(count)) if count else 0
            for number, count in zip(self._unscaled(slots), counts, strict=True)
        ]
        if kind.scale < self._argument.scale:
            quotients = [_rescaled(number, self._argument.scale, kind.scale) for number in quotients]
        return _of_integers(quotients, counts != 0)

    def _unscaled(self, slots: Int64Array) -> list[int]:
        highs, lows = self.high.values[slots].tolist(), self.low.values[slots].tolist()
        return [(high << 64) | low for high, low in zip(highs, lows, strict=True)]


def _divided(number: int, divisor: int) -> int:
    """The quotient rounded half away from zero, as Java's RoundingMode.HALF_UP."""
    magnitude = (2 * abs(number) + divisor) // (2 * divisor)
    return magnitude if number >= 0 else -magnitude


def _rescaled(number: int, scale: int, wanted: int) -> int:
    return number * 10 ** (wanted - scale) if wanted >= scale else _divided(number, 10 ** (scale - wanted))


def _of_integers(values: list[int], valid: BoolArray) -> Result:
    fits = np.array([abs(value) < MAX_UNSCALED for value in values], np.bool_)
    kept = [value if fit else 0 for value, fit in zip(values, fits.tolist(), strict=True)]
    high = np.array([value >> 64 for value in kept], np.int64)
    low = np.array([value & 0xFFFFFFFFFFFFFFFF for value in kept], np.uint64)
    return Result(high, valid & fits, low)


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


class Extreme(_Arrays):
    """MIN or MAX over rows that are only added: one value per group."""

    def __init__(self, *, greatest: bool, interned: bool, pool: StringPool) -> None:
        self._greatest = greatest
        self._interned = interned
        self._pool = pool
        self.words = Growable(np.int64)
        self.counts = Growable(np.int64)
        super().__init__(words=self.words, counts=self.counts)

    def update(self, changes: Changes) -> None:
        assert not len(changes.signs), "one extreme does not survive retractions"
        self._keep(changes.slots, changes.touched, changes.chosen, changes.words)

    def _keep(self, slots: Int64Array, touched: Int64Array, chosen: BoolArray, words: Int64Array) -> None:
        extremes, counts = self.words.values, self.counts.values
        if not self._interned:
            keep_extremes(slots, chosen, words, self._greatest, extremes, counts)
            return
        held = extremes[touched[counts[touched] > 0]]
        keep_text_extremes(slots, chosen, words, self._greatest, *self._pool.storage, extremes, counts)
        self._pool.retain(extremes[touched[counts[touched] > 0]])
        self._pool.release(held)

    def merge(self, other: Extreme, source: Int64Array, target: Int64Array) -> None:
        self._keep(target, np.unique(target), other.counts.values[source] > 0, other.words.values[source])

    def release(self, slots: Int64Array) -> None:
        if self._interned:
            self._pool.release(self.words.values[slots[self.counts.values[slots] > 0]])

    def result(self, slots: Int64Array) -> Result:
        return Result(self.words.values[slots], self.counts.values[slots] > 0)


class RetractingExtreme(_Arrays):
    """MIN or MAX where rows are retracted: the extreme is cached and looked up again only when it vanishes.

    `values` counts the argument's values, under counter `which`; it also keeps their strings.
    """

    def __init__(self, values: ValueCounts, which: int, *, greatest: bool, interned: bool, pool: StringPool) -> None:
        self._values = values
        self._which = which
        self._greatest = greatest
        self._interned = interned
        self._pool = pool
        self.words = Growable(np.int64)
        self.present = Growable(np.int64)
        super().__init__(words=self.words, present=self.present)

    def update(self, changes: Changes) -> None:
        """Apply the values that appeared (+1) and vanished (−1)."""
        extremes, present = self.words.values, self.present.values
        appeared = changes.signs > 0
        everything = np.empty(0, np.bool_)
        slots, words = changes.slots[appeared], changes.words[appeared]
        if self._interned:
            keep_text_extremes(slots, everything, words, self._greatest, *self._pool.storage, extremes, present)
        else:
            keep_extremes(slots, everything, words, self._greatest, extremes, present)
        slots, words = changes.slots[~appeared], changes.words[~appeared]
        lost = np.unique(slots[extremes[slots] == words])
        if len(lost):
            self._values.extremes(self._which, lost, extremes, present, greatest=self._greatest)

    def result(self, slots: Int64Array) -> Result:
        return Result(self.words.values[slots], self.present.values[slots] > 0)
