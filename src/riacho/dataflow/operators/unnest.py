"""UNNEST: linear, an element's row has the sign of the row that holds it. Flink: Correlate."""

from __future__ import annotations

import numpy as np
import polars as pl

from riacho.dataflow.batch import Batch
from riacho.dataflow.columns import polars_type
from riacho.dataflow.expressions import Evaluator, Settings
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.operators.stateless import Stateless
from riacho.plan.relations import Unnest
from riacho.plan.types import MapType, RowType


class UnnestOperator(Stateless):
    """Lays out the elements of each row's collection."""

    def __init__(self, relation: Unnest, settings: Settings, rejects: Rejects | None) -> None:
        self._relation = relation
        self._schema = relation.schema
        self._evaluator = Evaluator([relation.collection], ["collection"], relation.input.schema, settings)
        self._rejects = rejects

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        if not len(inputs[0]):
            return empty_batch(self._schema, inputs[0].watermark)
        batch, made = evaluate_rows(inputs[0], self._evaluator.evaluate, self._rejects)
        collections = made.to_series()
        lengths = collections.list.len().fill_null(0).to_numpy().astype(np.int64)
        elements = collections.filter(pl.Series(lengths > 0)).explode()
        copies = np.maximum(lengths, 1) if self._relation.outer else lengths
        rows = np.repeat(np.arange(len(batch)), copies)
        if not len(rows):
            return empty_batch(self._schema, batch.watermark)
        padded = lengths[rows] == 0
        if padded.any():
            place = pl.Series(np.cumsum(~padded) - 1)
            elements = elements.gather(place.set(pl.Series(padded), None))
        taken = batch.take(rows)
        added = self._fields(elements)
        if self._relation.ordinality:
            starts = np.cumsum(copies) - copies
            place = pl.Series(np.arange(len(rows)) - starts[rows] + 1)
            added.append(place.set(pl.Series(padded), None))
        fields = self._schema.fields[len(self._relation.input.schema) :]
        columns = [
            series.cast(polars_type(item.type)).alias(item.name) for series, item in zip(added, fields, strict=True)
        ]
        return taken.with_frame(taken.frame.with_columns(columns))

    def _fields(self, elements: pl.Series) -> list[pl.Series]:
        collection = self._relation.collection.type
        if isinstance(collection, MapType) or isinstance(collection.element, RowType):  # type: ignore[attr-defined]
            return [elements.struct.field(name) for name in elements.struct.fields]
        return [elements]
