"""The rows of ended input as OVER sees them: in partitions and in order, each with the frame that it looks at."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec
from riacho.plan.relations import BoundedOver, Frame, FrameUnit, Schema
from riacho.plan.types import DecimalType, FloatType, IntegerType

Int64Array = npt.NDArray[np.int64]

MICROSECONDS = 1000
"""Of a millisecond, which is what distances of time count."""


class OrderedRows(NamedTuple):
    """Rows by partition and order; those that are equal in it are peers, in order of arrival.

    `places` are where the rows stood before. For each row `begins` and `ends` are its partition's first and last row,
    `firsts` and `lasts` those of its peers.
    """

    frame: pl.DataFrame
    places: Int64Array
    keys: Int64Array
    begins: Int64Array
    ends: Int64Array
    firsts: Int64Array
    lasts: Int64Array


def in_order(rows: pl.DataFrame, over: BoundedOver) -> OrderedRows:
    """These rows, of which there are some, in the partitions and the order of a window."""
    keys = _partitions(rows, over.input.schema, over.partition)
    columns = [
        pl.Series("partition", keys),
        *(rows.to_series(key.column).alias(f"k{i}") for i, key in enumerate(over.order)),
    ]
    ordered = (
        pl.DataFrame(columns)
        .with_row_index("place")
        .sort(
            ["partition", *(f"k{i}" for i in range(len(over.order)))],
            descending=[False, *(key.descending for key in over.order)],
            nulls_last=[False, *(not key.nulls_first for key in over.order)],
            maintain_order=True,
        )
    )
    places = ordered["place"].cast(pl.Int64).to_numpy()
    keys = keys[places]
    starts = np.concatenate(([True], keys[1:] != keys[:-1]))
    changes = starts.copy()
    for name in ordered.columns[2:]:
        column = ordered[name]
        changes[1:] |= column[1:].ne_missing(column[:-1]).to_numpy()
    begins, ends = _runs(starts)
    firsts, lasts = _runs(changes)
    return OrderedRows(rows[places], places, keys, begins, ends, firsts, lasts)


def _partitions(rows: pl.DataFrame, schema: Schema, partition: tuple[int, ...]) -> Int64Array:
    """A number for each row's partition, in order of arrival."""
    if not partition:
        return np.zeros(rows.height, np.int64)
    codec = RowCodec(tuple(schema[index] for index in partition), StringPool())
    words = codec.encode([rows.to_series(index) for index in partition], rows.height)
    return KeyIndex(codec.width).upsert(words).slots


def _runs(starts: npt.NDArray[np.bool_]) -> tuple[Int64Array, Int64Array]:
    """The first and the last place of the run that each place is in."""
    firsts = np.flatnonzero(starts)
    sizes = np.diff(np.append(firsts, len(starts)))
    return np.repeat(firsts, sizes), np.repeat(firsts + sizes - 1, sizes)


def bounds(rows: OrderedRows, over: BoundedOver) -> tuple[Int64Array, Int64Array]:
    """The first and the last row of each row's frame; the last is before the first where it is empty."""
    frame = over.frame
    every = np.arange(len(rows.keys))
    if frame.unit is FrameUnit.ROWS:
        lows = rows.begins if frame.preceding is None else np.maximum(rows.begins, every - frame.preceding)
        highs = rows.ends if frame.following is None else np.minimum(rows.ends, every + frame.following)
        return np.minimum(lows, rows.ends + 1), np.maximum(highs, rows.begins - 1)
    lows = rows.begins if frame.preceding is None else rows.firsts
    highs = rows.ends if frame.following is None else rows.lasts
    if not (frame.preceding or frame.following):
        return lows, highs
    (key,) = over.order
    lows, highs = lows.copy(), highs.copy()
    column = rows.frame.to_series(key.column)
    known = np.flatnonzero(column.is_not_null().to_numpy())  # a NULL has its peers at any distance, and no others
    values, unit = _numbers(column[known], over, frame)
    keys = rows.keys[known]
    start = np.searchsorted(keys, keys)  # those of a partition stand together, behind its NULLs or before them
    first = known[start] - start
    before, behind = (-1, 1) if not key.descending else (1, -1)
    if frame.preceding:
        targets = _shifted(values, before * frame.preceding * unit)
        found = _counted(keys, values, targets, descending=key.descending, equals=False)
        lows[known] = first + found
    if frame.following:
        targets = _shifted(values, behind * frame.following * unit)
        found = _counted(keys, values, targets, descending=key.descending, equals=True)
        highs[known] = first + found - 1
    return lows, highs


def _numbers(column: pl.Series, over: BoundedOver, frame: Frame) -> tuple[pl.Series, Decimal]:
    """The order's values as numbers, and how many of them a frame's distance of 1 is."""
    kind = over.input.schema[over.order[0].column].type
    if isinstance(kind, FloatType):
        return column.cast(pl.Float64), Decimal(1).scaleb(-frame.scale)
    if isinstance(kind, IntegerType):
        return column.cast(pl.Int128) * _exact(10**frame.scale), Decimal(1)
    if isinstance(kind, DecimalType):
        scale = max(kind.scale, frame.scale)
        return column.to_physical() * _exact(10 ** (scale - kind.scale)), Decimal(10) ** (scale - frame.scale)
    times = column.cast(pl.Datetime("us")) if column.dtype == pl.Date else column
    if times.dtype == pl.Time:
        return times.to_physical().cast(pl.Int128), Decimal(MICROSECONDS * 1000)
    return times.to_physical().cast(pl.Int128), Decimal(MICROSECONDS)


def _exact(number: int) -> pl.Series:
    return pl.Series([number], dtype=pl.Int128)


def _shifted(values: pl.Series, distance: Decimal) -> pl.Series:
    if values.dtype == pl.Float64:
        return values + float(distance)
    return values + _exact(int(distance))


def _counted(keys: Int64Array, values: pl.Series, targets: pl.Series, *, descending: bool, equals: bool) -> Int64Array:
    """How many of these rows, sorted by key and value, stand before each row's target, or are its equals."""
    size = len(keys)
    asks = np.repeat([False, True], size)
    both = pl.DataFrame(
        {
            "key": np.concatenate((keys, keys)),
            "value": pl.concat([values, targets]),
            "last": asks if equals else ~asks,
            "asks": asks,
        }
    ).sort("key", "value", "last", descending=[False, descending, False], maintain_order=True)
    # Targets ascend as their rows do, so that they come out in the order of these.
    asked = both["asks"].to_numpy()
    counts: Int64Array = np.cumsum(~asked)[asked]
    return counts
