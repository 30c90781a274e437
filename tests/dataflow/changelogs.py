"""Plans by hand, inputs cut into passes, and what their changelogs add up to."""

# ruff: noqa: DTZ001 - TIMESTAMP has no zone

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from riacho.dataflow.batch import END_OF_TIME, Batch, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.expressions import Settings
from riacho.dataflow.graph import Graph
from riacho.plan.expressions import AggregateCall
from riacho.plan.relations import Job, Relation, Scan, Schema, Sink
from riacho.plan.tables import Table, TableColumn
from riacho.plan.types import BIGINT, DataType

EPOCH = datetime(2024, 1, 1)


def at(milliseconds: int) -> datetime:
    """A time of day zero plus milliseconds."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def scan(name: str, *, key: Sequence[str] = (), **columns: DataType) -> Scan:
    """The scan of a table; one with a key is upserted into."""
    connector = "upsert-kafka" if key else "kafka"
    fields = tuple(TableColumn(column, kind) for column, kind in columns.items())
    return Scan(Table(name, fields, (("connector", connector),), tuple(key)), tuple(columns))


def call(
    function: str, schema: Schema, argument: str | None = None, result: DataType = BIGINT, **options: Any
) -> AggregateCall:
    """An aggregate call over a named column."""
    if isinstance(options.get("filter"), str):
        options["filter"] = schema.column(options["filter"])
    arguments = () if argument is None else (schema.column(argument),)
    return AggregateCall(function, arguments, result, **options)


@dataclass(frozen=True)
class Event:
    """One source row: its table, its values, its split; a deletion where `deleted`."""

    table: str
    values: tuple[Any, ...]
    split: int = 0
    deleted: bool = False


@dataclass
class Outcome:
    """What a job emitted: rows with their signs in order, per pass, and how many rows were late."""

    passes: list[list[tuple[tuple[Any, ...], int]]] = field(default_factory=list)
    late: int = 0

    @property
    def changes(self) -> list[tuple[tuple[Any, ...], int]]:
        return [change for batch in self.passes for change in batch]

    def total(self) -> Counter[tuple[Any, ...]]:
        """The accumulated changelog."""
        return total(self.changes)


def total(changes: Iterable[tuple[tuple[Any, ...], int]]) -> Counter[tuple[Any, ...]]:
    counts: Counter[tuple[Any, ...]] = Counter()
    for row, diff in changes:
        counts[comparable(row)] += diff
    assert all(count >= 0 for count in counts.values()), "a row was retracted that was not there"
    return +counts


def comparable(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row whose NaNs are equal and whose floats are rounded to what summation promises."""
    return tuple(_comparable(value) for value in row)


def _comparable(value: Any) -> Any:
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        return value if math.isinf(value) else round(value, 6) + 0.0
    return value


def run(
    relation: Relation,
    events: Sequence[Event],
    cuts: Iterable[int] = (),
    *,
    restart_at: Iterable[int] = (),
    splits: int = 1,
    end: bool = True,
    settings: Settings | None = None,
    observe: Callable[[int, Outcome], None] | None = None,
) -> Outcome:
    """Run a query over the events in passes that end at `cuts`, in a new graph from a snapshot at `restart_at`.

    `observe` is called after each pass with the number of events so far.
    """
    settings = settings or Settings()
    columns = tuple(TableColumn(item.name, item.type) for item in relation.schema)
    job = Job((Sink(relation, Table("out", columns, (("connector", "blackhole"),))),))
    graph = started(job, settings, splits)
    restarts = set(restart_at)
    outcome = Outcome()
    bounds = sorted({0, len(events), *(cut for cut in cuts if 0 <= cut <= len(events)), *restarts})
    for start, stop in pairwise(bounds):
        batches = batches_between(graph, events, start, stop)
        if start in restarts:
            snapshot = graph.snapshot()
            list(graph.run_pass(batches))  # which a worker does while it writes the snapshot
            graph = started(job, settings, splits)
            graph.restore(snapshot)
        outcome.passes.append(_rows(graph.run_pass(batches)))
        if observe is not None:
            observe(stop, outcome)
    if end:
        last = {
            name: Batch(
                pl.DataFrame(schema=polars_schema(relation.schema)),
                np.empty(0, np.int64),
                WatermarkSteps.still().then(len(events), END_OF_TIME),
                split=np.empty(0, np.int32),
            )
            for name, relation in graph.scans.items()
        }
        outcome.passes.append(_rows(graph.run_pass(last)))
    outcome.late = sum(metric.late_rows for metric in graph.metrics())
    return outcome


def started(job: Job, settings: Settings, splits: int) -> Graph:
    """A new graph whose sources have this many splits."""
    graph = Graph.build(job, settings)
    for name in graph.scans:
        graph.assign_splits(name, range(splits))
    return graph


def batches_between(graph: Graph, events: Sequence[Event], start: int, stop: int) -> dict[str, Batch]:
    """The input of a pass: the events from `start` up to `stop`, a batch per scan."""
    batches = {}
    for name, relation in graph.scans.items():
        chosen = [(place, events[place]) for place in range(start, stop) if events[place].table == relation.table.name]
        if not chosen:
            continue
        columns = [column.name for column in relation.table.stored_columns]
        read = [columns.index(name) for name in relation.fields]
        frame = pl.DataFrame(
            [[event.values[place] for place in read] for _, event in chosen],
            schema=polars_schema(relation.schema),
            orient="row",
            strict=False,
        )
        deleted = np.array([event.deleted for _, event in chosen])
        batches[name] = Batch(
            frame,
            np.array([place for place, _ in chosen], np.int64),
            WatermarkSteps.still(),
            np.where(deleted, -1, 1).astype(np.int8) if deleted.any() else None,
            np.array([event.split for _, event in chosen], np.int32),
        )
    return batches


def _rows(parts: Iterable[dict[str, Batch]]) -> list[tuple[tuple[Any, ...], int]]:
    outputs = [output for part in parts for output in part.values()]
    sequence = np.concatenate([output.sequence for output in outputs])
    assert (np.diff(sequence) >= 0).all(), "a pass is in order of sequence"
    return [change for output in outputs for change in zip(output.frame.rows(), output.signs().tolist(), strict=True)]
