"""The calls of OVER that look at places alone: numbers of rows, their shares, and the rows before and behind.

Source: Flink's RankAggFunction, DenseRankAggFunction, NTILEAggFunction, PercentRankAggFunction, CumeDistAggFunction and
OffsetOverFrame, in a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.operators.bounded_frames import OrderedRows
from riacho.dataflow.operators.over_calls import gathered
from riacho.plan.expressions import AggregateCall

Int64Array = npt.NDArray[np.int64]
NumberArray = npt.NDArray[np.int64] | npt.NDArray[np.float64]


def _row_numbers(rows: OrderedRows) -> Int64Array:
    return np.arange(len(rows.keys)) - rows.begins + 1


def _ranks(rows: OrderedRows) -> Int64Array:
    return rows.firsts - rows.begins + 1


def _dense_ranks(rows: OrderedRows) -> Int64Array:
    """How many different rows have come up to each."""
    changes = np.cumsum(rows.firsts == np.arange(len(rows.keys)))
    ranks: Int64Array = changes - changes[rows.begins] + 1
    return ranks


def _sizes(rows: OrderedRows) -> Int64Array:
    return rows.ends - rows.begins + 1


def _percent_ranks(rows: OrderedRows) -> NumberArray:
    """From 0 for the first to 1 for a last one without equals; 0 for a row alone."""
    return (_ranks(rows) - 1) / np.maximum(_sizes(rows) - 1, 1)


def _cumulative_shares(rows: OrderedRows) -> NumberArray:
    return (rows.lasts - rows.begins + 1) / _sizes(rows)


_NUMBERS: Mapping[str, Callable[[OrderedRows], NumberArray]] = {
    "ROW_NUMBER": _row_numbers,
    "RANK": _ranks,
    "DENSE_RANK": _dense_ranks,
    "PERCENT_RANK": _percent_ranks,
    "CUME_DIST": _cumulative_shares,
}

OF_PLACES = frozenset({*_NUMBERS, "NTILE", "LAG", "LEAD"})
"""The calls that this module computes."""


def of_places(rows: OrderedRows, call: AggregateCall) -> pl.Series:
    """What one of these calls gives for each row."""
    if call.function == "NTILE":
        return pl.Series(_tiles(rows, call))
    if call.function in ("LAG", "LEAD"):
        return _neighbours(rows, call)
    return pl.Series(_NUMBERS[call.function](rows))


def _tiles(rows: OrderedRows, call: AggregateCall) -> Int64Array:
    """Which of so many tiles a row is in: the first ones have a row more where they do not divide the partition."""
    (tiles,) = call.constants
    assert isinstance(tiles, int)
    size, longer = np.divmod(_sizes(rows), tiles)
    before = _row_numbers(rows) - 1
    in_longer = before < longer * (size + 1)
    behind = longer + (before - longer * (size + 1)) // np.maximum(size, 1)
    tiles_from_0: Int64Array = np.where(in_longer, before // (size + 1), behind)
    return tiles_from_0 + 1


def _neighbours(rows: OrderedRows, call: AggregateCall) -> pl.Series:
    """The value of the row so many before or behind, in its partition; else the default."""
    value, *rest = (rows.frame.to_series(argument.index) for argument in call.arguments)
    distance = rest[0].cast(pl.Int64).to_numpy() if rest else np.int64(1)
    source = np.arange(len(rows.keys)) + (distance if call.function == "LEAD" else -distance)
    there = (source >= rows.begins) & (source <= rows.ends)
    found = gathered(value, np.where(there, source, -1))
    return found.zip_with(pl.Series(there), rest[1]) if len(rest) > 1 else found
