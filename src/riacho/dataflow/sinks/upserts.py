"""A pass's changes as upserts: for each key its new row, or that it is gone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from riacho.dataflow.batch import Batch, Int64Array


def last_of_keys(batch: Batch, key: Sequence[str]) -> tuple[Int64Array, Int64Array]:
    """(rows that are each key's new value, rows whose keys are gone), both ascending.

    The order of a key's −old and +new within the pass does not matter: equal rows cancel first. A key that comes
    and goes within the pass is in neither.
    """
    rows = np.arange(len(batch))
    if batch.diff is None:
        return rows[_evaluated(batch.frame, _key(key).is_last_distinct())], rows[:0]
    diff = batch.diff.astype(np.int64)
    removed, added = rows[diff < 0], rows[diff > 0]
    # What is gone before what is new: the last row of each key in this order is what becomes of the key.
    order = np.concatenate((removed, added))
    last = _key(key).gather(pl.lit(pl.Series(order))).is_last_distinct()
    if not len(removed):
        return order[_evaluated(batch.frame, last)], removed
    repeated = pl.struct(pl.all()).is_duplicated().any()
    found = batch.frame.select(last.alias("last"), repeated.alias("repeated"))
    if found["repeated"][0]:
        return _last_of_net(batch.frame, diff, key)
    is_last = found["last"].to_numpy()
    return added[is_last[len(removed) :]], removed[is_last[: len(removed)]]


def _last_of_net(frame: pl.DataFrame, diff: Int64Array, key: Sequence[str]) -> tuple[Int64Array, Int64Array]:
    """As `last_of_keys`, where equal rows may cancel each other."""
    marked = frame.with_columns(pl.Series("__diff", diff), pl.Series("__row", np.arange(frame.height)))
    net = marked.group_by(frame.columns).agg(pl.col("__diff").sum(), pl.col("__row").last())
    net = net.filter(pl.col("__diff") != 0).sort(pl.col("__diff") > 0, "__row")
    net = net.filter(_key(key).is_last_distinct())
    row, added = net["__row"].to_numpy(), net["__diff"].to_numpy() > 0
    return row[added], row[~added]


def _key(key: Sequence[str]) -> pl.Expr:
    return pl.struct(list(key)) if len(key) > 1 else pl.col(key[0])


def _evaluated(frame: pl.DataFrame, mask: pl.Expr) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return frame.select(mask).to_series().to_numpy()
