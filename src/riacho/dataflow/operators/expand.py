"""Grouping sets: each row once per set, with the keys that the set leaves out as NULL. Flink: Expand."""

from __future__ import annotations

import numpy as np
import polars as pl

from riacho.dataflow.batch import Batch
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.stateless import Stateless
from riacho.plan.relations import Expand


class ExpandOperator(Stateless):
    """Linear: each row, added or taken away, becomes one row per set, in the order of the sets."""

    def __init__(self, relation: Expand) -> None:
        self._relation = relation
        self._schema = relation.schema

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        rows, sets = len(batch), len(self._relation.sets)
        parts = []
        for item in self._relation.sets:
            nulls = [
                pl.lit(None, dtype=batch.frame.dtypes[index]).alias(batch.frame.columns[index])
                for index in sorted(item.nulled)
            ]
            number = pl.lit(item.id, dtype=pl.Int64).alias(self._relation.name)
            parts.append(batch.frame.with_columns(*nulls, number))
        order = np.arange(rows * sets).reshape(sets, rows).T.reshape(-1)
        repeated = np.repeat(np.arange(rows), sets)
        return batch.take(repeated).with_rows(pl.concat(parts)[order])
