"""Filter and project: a chain of both is one operator. Flink: Calc."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from riacho.dataflow.batch import Batch
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.expressions import Evaluator, Predicate, RowError, Settings
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.operators.stateless import Stateless
from riacho.dataflow.programs import Program, program_of
from riacho.formats.buffered import picked
from riacho.plan.expressions import Column, Expression, columns_used, conjunction, conjuncts, remap
from riacho.plan.relations import Filter, Project, Relation

Step = Filter | Project


class Calc(Stateless):
    """A chain of filters and projections, given from the input upwards.

    A filter runs before what stands above it, so `WHERE x <> 0` protects a later `1 / x`. As much as may be runs as
    programs: first the steps that programs know, then those that they know but for some expressions, which are computed
    before, once each; the rest runs step by step.
    """

    def __init__(self, steps: Sequence[Step], settings: Settings, rejects: Rejects | None) -> None:
        self._rejects = rejects
        self._stages = _stages(steps, settings, rejects)
        self._no_rows = pl.DataFrame(schema=polars_schema(steps[-1].schema))

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        for stage in self._stages:
            if not len(batch):
                return batch.with_rows(self._no_rows)
            batch = stage(batch)
        return batch


Stage = Callable[[Batch], Batch]
"""A part of the chain. It is given rows, and may drop all of them."""


def _stages(steps: Sequence[Step], settings: Settings, rejects: Rejects | None) -> list[Stage]:
    made: list[Stage] = []
    left = list(steps)
    while left:
        schema = left[0].input.schema
        program, done = program_of(left, schema, settings)
        if done < len(left) and (parts := _divided(left, done, settings)) is not None:
            left = parts
            continue
        if program is not None:
            if done < len(left):
                left = _without_idle_fields(left, done)
                program, done = program_of(left, schema, settings)
                assert program is not None
            made.append(program.run)
        else:
            program, done = program_of(left, schema, settings, derives=True)
            if program is None:
                done = 1
                made.append(_by_polars(left[0], settings, rejects))
            else:
                made.append(_Hybrid(program, [_by_polars(step, settings, rejects) for step in left[:done]]).run)
        left = left[done:]
    return made


def _divided(steps: Sequence[Step], at: int, settings: Settings) -> list[Step] | None:
    """The chain with a filter made two: one of its first conditions, which programs know after the steps below it."""
    step, below = steps[at], list(steps[:at])
    if not isinstance(step, Filter) or len(parts := conjuncts(step.predicate)) == 1:
        return None
    schema = steps[0].input.schema
    known = 0
    while known < len(parts):
        alone = replace(step, predicate=parts[known])
        if program_of([*below, alone], schema, settings)[1] <= at:
            break
        known += 1
    if not 0 < known < len(parts):
        return None
    first = replace(step, predicate=conjunction(parts[:known]))
    return [*below, first, Filter(first, conjunction(parts[known:])), *steps[at + 1 :]]


def _without_idle_fields(steps: Sequence[Step], done: int) -> list[Step]:
    """The chain with a projection after its first `done` steps, to the fields that those after them read."""
    above = steps[done:]
    until = next((place for place, step in enumerate(above) if isinstance(step, Project)), None)
    if until is None or isinstance(steps[done - 1], Project):
        return list(steps)
    read = above[: until + 1]
    used = sorted({index for step in read for index in columns_used(*_expressions(step))}) or [0]
    below: Relation = steps[done - 1]
    schema = below.schema
    narrow = Project(below, tuple(schema.column(index) for index in used), tuple(schema.names[index] for index in used))
    made: list[Step] = [*steps[:done], narrow]
    for step in read:
        made.append(_over(step, made[-1], used))
    return [*made, *above[until + 1 :]]


def _expressions(step: Step) -> tuple[Expression, ...]:
    return (step.predicate,) if isinstance(step, Filter) else step.expressions


def _over(step: Step, below: Relation, used: list[int]) -> Step:
    """The step over a relation that has just these fields of its input."""
    if isinstance(step, Filter):
        return Filter(below, remap(step.predicate, used.index))
    return replace(step, input=below, expressions=tuple(remap(part, used.index) for part in step.expressions))


@dataclass(slots=True)
class _Hybrid:
    """A program with derived columns, until one of those fails: then which rows it is for matters, and when."""

    program: Program
    steps: list[Stage]
    failed: bool = field(default=False, init=False)

    def run(self, batch: Batch) -> Batch:
        if not self.failed:
            try:
                return self.program.run(batch)
            except RowError:
                self.failed = True
        for step in self.steps:
            batch = step(batch)
        return batch


def _by_polars(step: Step, settings: Settings, rejects: Rejects | None) -> Stage:
    return _filtered(step, settings, rejects) if isinstance(step, Filter) else _projected(step, settings, rejects)


def _filtered(relation: Filter, settings: Settings, rejects: Rejects | None) -> Stage:
    predicate = Predicate(relation.predicate, relation.input.schema, settings)

    def run(batch: Batch) -> Batch:
        batch, holds = evaluate_rows(batch, predicate.holds, rejects)
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

    return run


def _projected(relation: Project, settings: Settings, rejects: Rejects | None) -> Stage:
    places = [part.index for part in relation.expressions if isinstance(part, Column)]
    if places and len(places) == len(relation.expressions):
        return lambda batch: batch.with_rows(picked(batch.rows, places, relation.names))
    evaluator = Evaluator(relation.expressions, relation.names, relation.input.schema, settings)

    def run(batch: Batch) -> Batch:
        batch, frame = evaluate_rows(batch, evaluator.evaluate, rejects)
        return batch.with_rows(frame)

    return run
