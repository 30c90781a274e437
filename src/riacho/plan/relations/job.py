"""Where rows go: sinks, and the job that they make together."""

from __future__ import annotations

from dataclasses import dataclass

from riacho.plan.relations.relation import Unary
from riacho.plan.tables import Table


@dataclass(frozen=True, slots=True)
class UpsertMaterialize(Unary):
    """Of the input's rows that agree in the fields `key`, the last that came and is still there.

    Stands below a `Sink` whose PRIMARY KEY several rows of the query may share. Flink: SinkUpsertMaterializer.
    """

    key: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sink(Unary):
    """INSERT INTO `table`: the input's fields are the table's persisted columns, in its order, types cast.

    For a printed table others may stand behind those, which tell its rows apart (`keep_row_keys`).
    """

    table: Table


@dataclass(frozen=True, slots=True)
class Job:
    """What one worker runs: the sinks of an INSERT or of a whole STATEMENT SET, sharing equal sub-plans."""

    sinks: tuple[Sink, ...]
    options: tuple[tuple[str, str], ...] = ()
    """The SET options that hold for the job, sorted by key."""
