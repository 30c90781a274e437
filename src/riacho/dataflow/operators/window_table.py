"""TUMBLE, HOP and CUMULATE as table functions: each row once per window that holds it.

Delta rule: linear; a row's sign stays with its copies. Flink: AlignedWindowTableFunctionOperator.
"""

from __future__ import annotations

import polars as pl

from riacho.dataflow.batch import Batch
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.operators.stateless import Stateless
from riacho.dataflow.operators.window_layout import WindowLayout
from riacho.dataflow.operators.window_time import MICROSECONDS, window_time
from riacho.dataflow.state.words import build_frame
from riacho.formats.arrow import Column
from riacho.plan.relations import WindowTable


class WindowTableOperator(Stateless):
    """Appends window_start, window_end and window_time. Drops no row: a late one still has its windows."""

    def __init__(self, relation: WindowTable, settings: Settings, rejects: Rejects | None) -> None:
        self._windows = WindowLayout.of(relation)
        self._schema = relation.schema
        self._time = window_time(relation.input.schema, relation.time_column, settings)
        self._rejects = rejects

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        if not len(inputs[0]):
            return empty_batch(self._schema, inputs[0].watermark)
        self._time.steps(inputs[0])
        batch, times = evaluate_rows(inputs[0], self._time.of_rows, self._rejects)
        ends = self._windows.slices(times)
        if self._windows.overlapping:
            rows, ends = self._windows.expand(ends, self._windows.last_ends(ends))
            batch = batch.take(rows)
        starts = self._windows.starts(ends)
        added = build_frame(
            self._schema.fields[-3:],
            [
                Column("tsu:", len(ends), (starts * MICROSECONDS,)),
                Column("tsu:", len(ends), (ends * MICROSECONDS,)),
                self._time.column(ends - 1),
            ],
            len(ends),
        )
        return batch.with_rows(pl.concat([batch.frame, added], how="horizontal"))
