"""Filter and project: a chain of both is one operator, evaluated step by step. Flink: Calc."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from riacho.dataflow.batch import Batch
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.expressions import Evaluator, Predicate, Settings
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.operators.stateless import Stateless
from riacho.dataflow.programs import program_of
from riacho.plan.relations import Filter, Project


class Calc(Stateless):
    """A chain of filters and projections, given from the input upwards.

    A filter runs before what stands above it, so `WHERE x <> 0` protects a later `1 / x`.
    """

    def __init__(self, steps: Sequence[Filter | Project], settings: Settings, rejects: Rejects | None) -> None:
        self._program, done = program_of(steps, steps[0].input.schema, settings)
        self._steps = [
            _FilterStep(step, settings) if isinstance(step, Filter) else _ProjectStep(step, settings)
            for step in steps[done:]
        ]
        self._rejects = rejects
        self._no_rows = pl.DataFrame(schema=polars_schema(steps[-1].schema))

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if not len(batch):
            return batch.with_frame(self._no_rows)
        if self._program is not None:
            batch = self._program.run(batch)
        for step in self._steps:
            batch = step.apply(batch, self._rejects)
        return batch


class _FilterStep:
    def __init__(self, relation: Filter, settings: Settings) -> None:
        self._predicate = Predicate(relation.predicate, relation.input.schema, settings)

    def apply(self, batch: Batch, rejects: Rejects | None) -> Batch:
        batch, holds = evaluate_rows(batch, self._predicate.holds, rejects)
        mask = holds.to_numpy()
        if mask.all():
            return batch
        return Batch(
            batch.frame.filter(holds),
            batch.sequence[mask],
            batch.watermark,
            None if batch.diff is None else batch.diff[mask],
            None if batch.split is None else batch.split[mask],
        )


class _ProjectStep:
    def __init__(self, relation: Project, settings: Settings) -> None:
        self._evaluator = Evaluator(relation.expressions, relation.names, relation.input.schema, settings)

    def apply(self, batch: Batch, rejects: Rejects | None) -> Batch:
        batch, frame = evaluate_rows(batch, self._evaluator.evaluate, rejects)
        return batch.with_frame(frame)
