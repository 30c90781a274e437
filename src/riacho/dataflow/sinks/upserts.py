"""A pass's changes as upserts: for each key its new row, or that it is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import polars as pl

from riacho.dataflow.batch import Batch, Int64Array
from riacho.plan.changelog import unique_keys
from riacho.plan.relations import Aggregate, Project, Relation, Sink

Upserts = Callable[[Batch], tuple[Int64Array, Int64Array]]
"""(rows that are each key's new value, rows whose keys are gone), both ascending."""


def upserts_of(sink: Sink, key: Sequence[str]) -> Upserts:
    """How the changes of a sink's input become upserts by these fields."""
    position = {column.name: place for place, column in enumerate(sink.table.persisted_columns)}
    if _comes_in_pairs(sink.input) and frozenset(position[name] for name in key) in unique_keys(sink.input):
        return last_of_pairs
    return partial(last_of_keys, key=key)


def _comes_in_pairs(relation: Relation) -> bool:
    """Whether a pass's new row of each unique key stands right behind the old one (see `last_of_pairs`)."""
    return isinstance(relation, Aggregate) or (isinstance(relation, Project) and _comes_in_pairs(relation.input))


def last_of_pairs(batch: Batch) -> tuple[Int64Array, Int64Array]:
    """As `last_of_keys`, where each key has at most an old row and, right behind it, a new one of the same moment, and
    no other key's has that moment: an aggregate's output.

    Its keys need not be looked at, which for small passes is most of the work.
    """
    rows = np.arange(len(batch))
    if batch.diff is None:
        return rows, rows[:0]
    added = batch.diff > 0
    replaced = np.append(added[1:] & (batch.sequence[1:] == batch.sequence[:-1]), False)
    return rows[added], rows[~added & ~replaced]


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
