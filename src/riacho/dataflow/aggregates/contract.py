"""What an accumulator is: the state of one aggregate function over the groups of an operator.

Groups have slots. All that fits into 64-bit cells lies in one ledger, a row per group, of which an accumulator has some
columns from `at` on: a pass copies the rows that it touches once, and compares and reads them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import ADDED
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import decimal_column, decode
from riacho.formats.arrow import Column
from riacho.plan.expressions import AggregateCall
from riacho.plan.types import DataType, DecimalType

Int8Array = npt.NDArray[np.int8]
Int64Array = npt.NDArray[np.int64]
Uint64Array = npt.NDArray[np.uint64]
BoolArray = npt.NDArray[np.bool_]

ALL: BoolArray = np.empty(0, np.bool_)
"""No mask: every row is chosen."""


class Argument(NamedTuple):
    """An argument's column: a word per row, and which are not null (None: all)."""

    words: Int64Array
    valid: BoolArray | None


MOST_BITS = 62
"""Cells from this one on share a bit of what `Cells` knows of them."""


class Cells(NamedTuple):
    """Cells of some groups, a row per cell and a column per group; a bit for each that is zero in some group."""

    values: Int64Array
    zeros: int

    def of(self, first: int, end: int) -> Cells:
        """Some of the cells, those of one accumulator."""
        return Cells(self.values[first:end], self.zeros >> min(first, MOST_BITS) if end <= MOST_BITS else -1)

    def present(self, cell: int) -> BoolArray | None:
        """Where a cell is not zero (None: everywhere)."""
        return self.values[cell] != 0 if self.zeros >> cell & 1 else None


class Rows(NamedTuple):
    """The rows of a pass for one accumulator.

    `signs` and `chosen` are empty where all rows are added and where all count. `touched` are the distinct slots among
    `slots`. COUNT(*) has no arguments.
    """

    slots: Int64Array
    touched: Int64Array
    signs: Int8Array
    chosen: BoolArray
    arguments: tuple[Argument, ...]

    @property
    def words(self) -> Int64Array:
        """The words of the only argument."""
        return self.arguments[0].words

    def only_chosen(self) -> Rows:
        """The same without the rows that do not count."""
        if not len(self.chosen):
            return self
        rows = np.flatnonzero(self.chosen)
        arguments = tuple(
            Argument(item.words[rows], None if item.valid is None else item.valid[rows]) for item in self.arguments
        )
        return Rows(self.slots[rows], self.touched, self.signs[rows] if len(self.signs) else ADDED, ALL, arguments)


class Result(Protocol):
    """The values of an aggregate for some groups."""

    def same_as_before(self) -> BoolArray:
        """Where a value is that of the place before it; the first place is not."""
        ...

    def column(self, kind: DataType, pool: StringPool) -> Column | pl.Series:
        """The values as a column of the call's type."""
        ...


class Words(NamedTuple):
    """A word per group, or the two halves of a wide decimal, and which are valid (None: all)."""

    words: Int64Array
    valid: BoolArray | None = None
    low: Uint64Array | None = None

    def same_as_before(self) -> BoolArray:
        same = np.zeros(len(self.words), np.bool_)
        same[1:] = self.words[1:] == self.words[:-1]
        if self.low is not None:
            same[1:] &= self.low[1:] == self.low[:-1]
        if self.valid is not None:
            both = self.valid[1:] & self.valid[:-1]
            same[1:] = (same[1:] & both) | ~(self.valid[1:] | self.valid[:-1])
        return same

    def column(self, kind: DataType, pool: StringPool) -> Column | pl.Series:
        valid = None if self.valid is None or bool(self.valid.all()) else self.valid
        if self.low is not None:
            assert isinstance(kind, DecimalType)
            return decimal_column(self.words, self.low, valid, kind)
        return decode(self.words, valid, kind, pool)


class Values(NamedTuple):
    """A value of any type per group."""

    series: pl.Series

    def same_as_before(self) -> BoolArray:
        same: BoolArray = np.zeros(len(self.series), np.bool_)
        same[1:] = self.series[1:].eq_missing(self.series[:-1]).to_numpy()
        return same

    def column(self, kind: DataType, pool: StringPool) -> Column | pl.Series:  # noqa: ARG002 - already of this type
        return self.series


class Accumulator(Protocol):
    """One function over one argument list, in cells. Several aggregate calls may read the same accumulator."""

    @property
    def cells(self) -> int:
        """Columns of the ledger that it has."""
        ...

    @property
    def kind(self) -> int | None:
        """The kind of call of `kernels.aggregate` that its update is; None where it is more than one."""
        ...

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        """Apply a pass's rows."""
        ...

    def result(self, call: AggregateCall, cells: Cells) -> Result:
        """What its cells of some groups come to."""
        ...

    def read_off(self, call: AggregateCall) -> int | None:
        """The kind of result of `kernels.group_results` that `result` is; None where it is more than a word."""
        ...

    def release(self, slots: Int64Array, ledger: Int64Array, at: int) -> None:
        """Let go of what these groups hold outside the ledger."""
        ...


@runtime_checkable
class Mergeable(Protocol):
    """An accumulator whose partial results can be added up."""

    def merge(self, parts: Int64Array, source: Int64Array, target: Int64Array, ledger: Int64Array, at: int) -> None:
        """Add the cells that the same accumulator has at `source` in another ledger to those of `target`."""
        ...


@runtime_checkable
class Store(Protocol):
    """An accumulator that keeps more than cells: the values of each group themselves.

    Its only cell counts changes, so that an unchanged group is told from the ledger alone.
    """

    def reserve(self, slots: int) -> None:
        """Make room for groups up to `slots`."""
        ...

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        """Apply a pass's rows."""
        ...

    def values(self, call: AggregateCall, slots: Int64Array) -> pl.Series:
        """The value of each of these groups."""
        ...

    def release(self, slots: Int64Array) -> None:
        """Let go of what these groups hold."""
        ...

    @property
    def bytes(self) -> int: ...

    def snapshot(self) -> StateArrays: ...

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None: ...


@runtime_checkable
class Uniting(Store, Protocol):
    """A store that can make two groups one."""

    @property
    def unites(self) -> bool:
        """Whether it can, of the kind that it is."""
        ...

    def unite(self, source: Int64Array, target: Int64Array) -> None:
        """Add what each source group holds to the target group beside it, in order; the source groups have ended."""
        ...


class InCells:
    """Accumulators that hold nothing outside their cells."""

    kind: int | None = None

    def read_off(self, call: AggregateCall) -> int | None:  # noqa: ARG002 - some have one form
        """Its result is more than a word."""
        return None

    def release(self, slots: Int64Array, ledger: Int64Array, at: int) -> None:
        """Nothing outside the ledger is held."""
