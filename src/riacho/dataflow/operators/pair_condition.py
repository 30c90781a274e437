"""Conditions on pairs of kept rows: what a join asks beyond its keys."""

from __future__ import annotations

import numpy as np

from riacho.dataflow.batch import Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Predicate, Settings
from riacho.dataflow.programs import filter_program
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.words import build_rows
from riacho.plan.expressions import columns_used, remap
from riacho.plan.relations import Join, Schema


class PairCondition:
    """The residual condition of a join; of each pair it looks at the fields that the condition reads, and no others."""

    def __init__(self, relation: Join, left: RowStore, right: RowStore, settings: Settings) -> None:
        assert relation.residual is not None
        width, pair = len(relation.left.schema), relation.pair
        used = sorted(columns_used(relation.residual)) or [0]
        self._fields = tuple(pair[index] for index in used)
        schema = Schema(self._fields)
        self._left, self._right = left, right
        self._left_fields = left.choose([index for index in used if index < width])
        self._right_fields = right.choose([index - width for index in used if index >= width])
        condition = remap(relation.residual, {old: new for new, old in enumerate(used)}.__getitem__)
        self._program = filter_program(condition, schema, settings)
        self._predicate = Predicate(condition, schema, settings)

    def kept(
        self, lefts: Int64Array, rights: Int64Array, sequence: Int64Array, watermark: WatermarkSteps
    ) -> Int64Array:
        """Which of these pairs of row slots it is true for, ascending. There must be pairs.

        Raises `RowError` with the pairs on which it failed.
        """
        columns = self._left.columns(lefts, self._left_fields) + self._right.columns(rights, self._right_fields)
        rows = build_rows(self._fields, columns, len(lefts))
        if self._program is not None:
            numbered = Batch(rows, np.arange(len(lefts)), WatermarkSteps.still())
            return self._program.run(numbered).sequence
        return np.flatnonzero(self._predicate.holds(Batch(rows, sequence, watermark)).to_numpy())
