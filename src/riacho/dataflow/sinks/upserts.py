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
    if batch.diff is None:
        return np.flatnonzero(_last_distinct(batch.frame, key)), np.empty(0, np.int64)
    frame = batch.frame
    marked = frame.with_columns(
        pl.Series("__diff", batch.diff.astype(np.int64)), pl.Series("__row", np.arange(frame.height))
    )
    columns = list(frame.columns)
    repeated = marked.select(pl.struct(columns).is_duplicated()).to_series()
    if repeated.any():
        net = marked.group_by(columns).agg(pl.col("__diff").sum(), pl.col("__row").last()).filter(pl.col("__diff") != 0)
        marked = net.sort("__row")
    added = marked.filter(pl.col("__diff") > 0)
    added = added.filter(pl.Series(_last_distinct(added, key)))
    gone = marked.filter(pl.col("__diff") < 0).join(added, on=list(key), how="anti", nulls_equal=True)
    gone = gone.filter(pl.Series(_last_distinct(gone, key)))
    return np.sort(added["__row"].to_numpy()), np.sort(gone["__row"].to_numpy())


def _last_distinct(frame: pl.DataFrame, key: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows are the last of their key."""
    columns = pl.struct(list(key)) if len(key) > 1 else pl.col(key[0])
    return frame.select(columns.is_last_distinct()).to_series().to_numpy()
