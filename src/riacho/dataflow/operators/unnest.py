"""UNNEST: linear, an element's row has the sign of the row that holds it. Flink: Correlate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.columns import polars_type
from riacho.dataflow.expressions import Evaluator, Predicate, RowError, Settings
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.operators.stateless import Stateless
from riacho.plan.expressions import columns_used, remap
from riacho.plan.relations import Schema, Unnest, element_type
from riacho.plan.types import MapType, MultisetType, RowType


class UnnestOperator(Stateless):
    """Lays out the elements of each row's collection that its condition is true for."""

    def __init__(self, relation: Unnest, settings: Settings, rejects: Rejects | None) -> None:
        self._relation = relation
        self._schema = relation.schema
        # A call that fails is one for these columns.
        name = ", ".join(relation.names)
        self._evaluator = Evaluator([relation.collection], [name], relation.input.schema, settings)
        width = len(relation.input.schema)
        self._own = relation.pair.fields[width:]
        given = range(width) if relation.given is None else relation.given
        self._given = [relation.input.schema.names[index] for index in given]
        kind = relation.collection.type
        self._of_entries = isinstance(kind, MapType) and not isinstance(kind, MultisetType)
        self._of_rows = not self._of_entries and isinstance(element_type(kind), RowType)
        self._condition = None
        self._asked: list[str] = []
        """The fields of the row that the condition reads: no other is copied for it."""
        if relation.condition is not None:
            asked = sorted(columns_used(relation.condition) | frozenset(range(width, len(relation.pair))))
            self._asked = [relation.pair.names[index] for index in asked if index < width]
            read = Schema(tuple(relation.pair[index] for index in asked))
            self._condition = Predicate(remap(relation.condition, asked.index), read, settings)
        self._rejects = rejects

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        if not len(inputs[0]):
            return empty_batch(self._schema, inputs[0].watermark)
        batch, (rows, added) = evaluate_rows(inputs[0], self._laid_out, self._rejects)
        if self._relation.outer:
            rows, added = _with_lonely(len(batch), rows, added)
        if not len(rows):
            return empty_batch(self._schema, batch.watermark)
        return _pairs(batch, self._given, rows, added)

    def _laid_out(self, batch: Batch) -> tuple[Int64Array, list[pl.Series]]:
        """The elements' fields, and which rows they are of. Raises `RowError` with those on which something failed."""
        rows, elements = _elements(self._evaluator.evaluate(batch).to_series())
        if isinstance(self._relation.collection.type, MultisetType):
            times = elements.struct.field("value").to_numpy()
            rows, elements = np.repeat(rows, times), elements.struct.field("key").gather(_repeated(times))
        places = np.arange(len(rows)) - np.searchsorted(rows, rows) + 1
        if self._of_rows:
            there = elements.is_not_null()
            rows, places, elements = rows[there.to_numpy()], places[there.to_numpy()], elements.filter(there)
        series = self._fields(elements)
        if self._relation.ordinality:
            series.append(pl.Series(places))
        added = [made.cast(polars_type(own.type)).alias(own.name) for made, own in zip(series, self._own, strict=True)]
        if self._condition is None or not len(rows):
            return rows, added
        try:
            holds = self._condition.holds(_pairs(batch, self._asked, rows, added))
        except RowError as error:
            first = {int(rows[failure.row]): failure for failure in reversed(error.failures)}
            raise RowError(tuple(replace(first[row], row=row) for row in sorted(first))) from None
        return rows[holds.to_numpy()], [column.filter(holds) for column in added]

    def _fields(self, elements: pl.Series) -> list[pl.Series]:
        if self._of_entries or self._of_rows:
            return [elements.struct.field(name) for name in elements.struct.fields]
        return [elements]


def _pairs(batch: Batch, names: list[str], rows: Int64Array, added: list[pl.Series]) -> Batch:
    """These columns of the rows, each beside the fields of its element."""
    frame = batch.frame.select(names)[rows].with_columns(added) if names else pl.DataFrame(added)
    return batch.with_rows_of(frame, rows)


def _elements(collections: pl.Series) -> tuple[Int64Array, pl.Series]:
    """All elements, and the row of each."""
    lengths = collections.list.len().fill_null(0).to_numpy().astype(np.int64)
    rows = np.repeat(np.arange(len(collections), dtype=np.int64), lengths)
    return rows, collections.filter(pl.Series(lengths > 0)).explode()


def _repeated(times: Int64Array) -> Int64Array:
    return np.repeat(np.arange(len(times), dtype=np.int64), times)


def _with_lonely(height: int, rows: Int64Array, added: list[pl.Series]) -> tuple[Int64Array, list[pl.Series]]:
    """The same and, in their places, those of the rows that have no element, with nulls."""
    lonely = np.flatnonzero(np.bincount(rows, minlength=height) == 0)
    if not len(lonely):
        return rows, added
    both = np.concatenate((rows, lonely))
    order = np.argsort(both, kind="stable")
    places = pl.Series(order).set(pl.Series(order >= len(rows)), None)
    return both[order], [column.gather(places) for column in added]
