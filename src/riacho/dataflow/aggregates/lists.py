"""Columns of lists and of maps from the values of groups that lie one after another."""

from __future__ import annotations

import numpy as np
import polars as pl

from riacho.dataflow.aggregates.contract import BoolArray, Int64Array
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import decode
from riacho.formats.arrow import to_frame
from riacho.plan.types import DataType


def series_of(words: Int64Array, valid: BoolArray, kind: DataType, pool: StringPool) -> pl.Series:
    """Values of a type from their words."""
    decoded = decode(np.ascontiguousarray(words), None if valid.all() else valid, kind, pool)
    return decoded if isinstance(decoded, pl.Series) else to_frame([("values", decoded)], len(words)).to_series()


def lists_of(elements: pl.Series, ends: Int64Array, valid: BoolArray | None) -> pl.Series:
    """One list per group: the elements up to its end; null where not valid.

    >>> lists_of(pl.Series([1, 2, 3]), np.array([2, 2, 3]), np.array([True, False, True])).to_list()
    [[1, 2], None, [3]]
    """
    groups = len(ends)
    owners = np.repeat(np.arange(groups), np.diff(ends, prepend=0))
    frame = pl.DataFrame({"group": owners, "values": elements})
    lists = frame.group_by("group", maintain_order=True).agg("values")
    found = np.full(groups, -1, np.int64)
    found[lists["group"].to_numpy()] = np.arange(len(lists))
    empty = pl.Series("values", [[]], dtype=pl.List(elements.dtype))
    all_lists = pl.concat([lists["values"], empty])[np.where(found < 0, len(lists), found)]
    if valid is None or valid.all():
        return all_lists
    nothing = pl.Series("values", [None], dtype=pl.List(elements.dtype))
    return pl.select(pl.when(pl.Series(valid)).then(all_lists).otherwise(nothing)).to_series()
