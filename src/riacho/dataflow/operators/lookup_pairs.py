"""Rows beside the rows of a table that is looked up: what all lookup joins make of what they found."""

from __future__ import annotations

import numpy as np
import polars as pl

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.expressions import Predicate, Settings
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.lookup_rows import LookupRows
from riacho.dataflow.state.rows import RowStore
from riacho.formats.arrow import Column, to_frame
from riacho.plan.relations import Join, JoinKind

NO_ROW = -1
"""The right row of a left row without a match."""


class LookupPairs:
    """The rows of one lookup join, from left rows and the table as it is."""

    def __init__(self, relation: Join, settings: Settings) -> None:
        self._relation = relation
        self._schema = relation.schema
        self._keeps_left = relation.kind is JoinKind.LEFT
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
        return taken.with_rows(self._frame(taken.frame, rows, table.rows, self._schema.names))

    def _matching(
        self, batch: Batch, probes: Int64Array, rows: Int64Array, store: RowStore
    ) -> tuple[Int64Array, Int64Array]:
        """The pairs for which the residual condition is true."""
        if self._residual is None or not len(probes):
            return probes, rows
        taken = batch.take(probes)
        frame = self._frame(taken.frame, rows, store, self._relation.pair.names)
        holds = self._residual.holds(taken.with_rows(frame)).to_numpy()
        return probes[holds], rows[holds]

    def _frame(self, left: pl.DataFrame, rows: Int64Array, store: RowStore, names: tuple[str, ...]) -> pl.DataFrame:
        """Left rows beside right ones, under these names."""
        width = left.width
        columns = store.columns(rows)
        crossing = [(name, part) for name, part in zip(names[width:], columns, strict=True) if isinstance(part, Column)]
        made = to_frame(crossing, len(rows)).get_columns() if crossing else []
        series = {item.name: item for item in made}
        series |= {n: part for n, part in zip(names[width:], columns, strict=True) if isinstance(part, pl.Series)}
        before = [column.alias(name) for column, name in zip(left.get_columns(), names, strict=False)]
        return pl.DataFrame([*before, *(series[name].alias(name) for name in names[width:])])
