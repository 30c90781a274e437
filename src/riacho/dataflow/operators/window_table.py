"""TUMBLE and HOP as table functions: each row once per window that holds it, for uses other than aggregation."""

from __future__ import annotations

import numpy as np
import polars as pl

from riacho.dataflow.batch import Batch
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.operators.stateless import Stateless
from riacho.dataflow.operators.window_time import MICROSECONDS, WindowTime
from riacho.kernels.windows import expand_windows, slice_ends
from riacho.plan.relations import WindowTable


class WindowTableOperator(Stateless):
    """Appends window_start, window_end and window_time. Drops no row: a late one still has its windows."""

    def __init__(self, relation: WindowTable, settings: Settings, rejects: Rejects | None) -> None:
        assert relation.size % relation.slide == 0, "the planner refuses windows that are not a multiple of the slide"
        self._relation = relation
        self._schema = relation.schema
        self._time = WindowTime(relation.input.schema, relation.time_column, settings.zone)
        self._rejects = rejects

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        if not len(inputs[0]):
            return empty_batch(self._schema, inputs[0].watermark)
        relation = self._relation
        batch, times = evaluate_rows(inputs[0], self._time.of_rows, self._rejects)
        ends = np.empty(len(batch), np.int64)
        slice_ends(times, relation.slide, relation.offset, ends)
        if relation.slide < relation.size:
            last = ends + (relation.size - relation.slide)
            rows, expanded = (np.empty(len(ends) * (relation.size // relation.slide), np.int64) for _ in range(2))
            expand_windows(ends, last, relation.slide, int(last.max(initial=0)), rows, expanded)
            batch, ends = batch.take(rows), expanded
        start, end, time = self._schema.fields[-3:]
        bound, kind = pl.Datetime("us"), pl.Datetime("us", "UTC" if self._time.zoned else None)
        frame = batch.frame.with_columns(
            pl.Series(start.name, (ends - relation.size) * MICROSECONDS).cast(bound),
            pl.Series(end.name, ends * MICROSECONDS).cast(bound),
            pl.Series(time.name, self._time.instants(ends - 1)).cast(kind),
        )
        return batch.with_frame(frame)
