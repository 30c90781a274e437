"""VALUES: literal rows, emitted once, before any source's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import END_OF_TIME, Batch, WatermarkSteps
from riacho.dataflow.expressions import Evaluator, Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.watermark import BEFORE_ALL_ROWS
from riacho.plan.relations import Schema, Values


class ValuesOperator:
    """Bounded input: after its rows its watermark is the end of time."""

    def __init__(self, relation: Values, settings: Settings) -> None:
        self._schema = relation.schema
        nothing = Schema(())
        rows = [Evaluator(row, self._schema.names, nothing, settings) for row in relation.rows]
        one = pl.DataFrame(height=1)
        frames = [row.evaluate_frame(one) for row in rows] if relation.fields else []
        self._frame = pl.concat(frames) if frames else pl.DataFrame(height=len(relation.rows))
        self._emitted = False

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        assert not inputs, "VALUES reads nothing"
        if self._emitted:
            return empty_batch(self._schema, WatermarkSteps.still(END_OF_TIME))
        self._emitted = True
        sequence = np.full(self._frame.height, BEFORE_ALL_ROWS, np.int64)
        return Batch(self._frame, sequence, WatermarkSteps.still().then(BEFORE_ALL_ROWS, END_OF_TIME))

    def snapshot(self) -> StateArrays:
        return {"emitted": np.array([self._emitted])}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._emitted = bool(state["emitted"][0])

    @property
    def state_bytes(self) -> int:
        return 0

    @property
    def late_rows(self) -> int:
        return 0
