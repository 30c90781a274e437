"""Rows beside the rows of a table that is looked up: what all lookup joins make of what they found."""

from __future__ import annotations

import numpy as np

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.expressions import Predicate, Settings
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.given_rows import OutputRows
from riacho.dataflow.state.lookup_rows import LookupRows
from riacho.dataflow.state.rows import RowStore
from riacho.formats.buffered import Columnar, beside
from riacho.plan.relations import Join, JoinKind

NO_ROW = -1
"""The right row of a left row without a match."""


class LookupPairs:
    """The rows of one lookup join, from left rows and the table as it is."""

    def __init__(self, relation: Join, settings: Settings) -> None:
        self._relation = relation
        self._schema = relation.schema
        self._keeps_left = relation.kind is JoinKind.LEFT
        found = relation.right.schema.fields
        self._found = OutputRows(found, [len(found)])
        self._residual = None
        if relation.residual is not None:
            self._residual = Predicate(relation.residual, relation.pair, settings)

    def joined(self, batch: Batch, table: LookupRows) -> Batch:
        """Each row with its matches, in order; one without any with nulls, where the join keeps it."""
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        probes, rows = self._matching(batch, *table.find(batch, self._relation.left_keys), table.rows)
        if self._keeps_left:
            alone = np.ones(len(batch), np.bool_)
            alone[probes] = False
            probes = np.concatenate((probes, np.flatnonzero(alone)))
            rows = np.concatenate((rows, np.full(int(alone.sum()), NO_ROW, np.int64)))
            order = np.argsort(probes, kind="stable")
            probes, rows = probes[order], rows[order]
        if not len(probes):
            return empty_batch(self._schema, batch.watermark)
        taken = batch if len(probes) == len(batch) and (np.diff(probes) == 1).all() else batch.take(probes)
        return taken.with_rows(self._beside(taken, rows, table.rows, self._schema.names))

    def _matching(
        self, batch: Batch, probes: Int64Array, rows: Int64Array, store: RowStore
    ) -> tuple[Int64Array, Int64Array]:
        """The pairs for which the residual condition is true."""
        if self._residual is None or not len(probes):
            return probes, rows
        taken = batch.take(probes)
        pairs = taken.with_rows(self._beside(taken, rows, store, self._relation.pair.names))
        holds = self._residual.holds(pairs).to_numpy()
        return probes[holds], rows[holds]

    def _beside(self, left: Batch, rows: Int64Array, store: RowStore, names: tuple[str, ...]) -> Columnar:
        """Left rows beside right ones, under these names."""
        return beside(left.rows, self._found.rows([store.give(rows)], len(rows)), names)
