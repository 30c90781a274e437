"""Rows in several copies: linear, each row's sign goes to all its copies."""

from __future__ import annotations

import numpy as np

from riacho.dataflow.batch import Batch
from riacho.dataflow.columns import integers
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.stateless import Stateless
from riacho.plan.relations import Replicate


class ReplicateOperator(Stateless):
    """Repeats each row."""

    def __init__(self, relation: Replicate) -> None:
        self._schema = relation.schema

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        copies = integers(batch.frame.to_series(-1)).to_numpy()
        rows = np.repeat(np.arange(len(batch)), np.maximum(copies, 0))
        taken = batch.take(rows)
        return taken.with_rows(taken.frame.select(self._schema.names))
