"""What a written table's columns promise: no NULL in NOT NULL ones, and texts and bytes of the declared lengths.

Source: Flink, `table.exec.sink.not-null-enforcer` and `table.exec.sink.type-length-enforcer`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl

from riacho.dataflow.batch import Batch
from riacho.dataflow.evaluation.casts.lengths import fitted_bytes, fitted_text
from riacho.dataflow.sinks import Finishing, Sink, SinkCounts
from riacho.dataflow.sources import Json, Positions
from riacho.errors import RiachoError
from riacho.formats.arrow import Column
from riacho.formats.buffered import column_named, series_of
from riacho.plan.tables import Table, TableColumn
from riacho.plan.types import MAX_LENGTH, BinaryType, CharType, DataType, VarbinaryType, VarcharType

log = logging.getLogger(__name__)

NOT_NULL_ENFORCER = "table.exec.sink.not-null-enforcer"
LENGTH_ENFORCER = "table.exec.sink.type-length-enforcer"
"""The SET options that say what becomes of a row that breaks a promise."""

Constraint = Callable[[Batch], Batch]
"""Makes the rows of a pass keep a promise. Raises `RiachoError` where it is to refuse those that do not."""


def constrained(sink: Sink, table: Table, options: Mapping[str, str]) -> Sink:
    """The sink, which sees only rows that keep the table's promises; `options` are those that a job was SET."""
    constraints: list[Constraint] = []
    never_null = [column.name for column in table.persisted_columns if not column.type.nullable]
    if never_null and options.get(NOT_NULL_ENFORCER, "ERROR") == "DROP":
        constraints.append(_DropNulls(table, never_null))
    elif never_null:
        constraints.append(partial(_refuse_nulls, table=table, columns=never_null))
    of_length = [column for column in table.persisted_columns if _length(column.type) is not None]
    enforcer = options.get(LENGTH_ENFORCER, "IGNORE")
    if of_length and enforcer == "TRIM_PAD":
        constraints.append(partial(_trim_and_pad, columns=of_length))
    elif of_length and enforcer == "ERROR":
        constraints.append(partial(_refuse_lengths, table=table, columns=of_length))
    return ConstrainedSink(sink, constraints) if constraints else sink


class ConstrainedSink:
    """Looks at what is written to another sink."""

    def __init__(self, sink: Sink, constraints: Sequence[Constraint]) -> None:
        self._sink = sink
        self._constraints = constraints

    def write(self, batch: Batch) -> None:
        for constraint in self._constraints:
            batch = constraint(batch)
        self._sink.write(batch)

    def flush(self) -> None:
        self._sink.flush()

    def finish(self) -> None:
        if isinstance(self._sink, Finishing):
            self._sink.finish()

    def positions(self) -> Positions:
        return self._sink.positions()

    def restore(self, positions: Mapping[str, Json]) -> None:
        self._sink.restore(positions)

    @property
    def counts(self) -> SinkCounts:
        return self._sink.counts

    def close(self) -> None:
        self._sink.close()


def _refuse_nulls(batch: Batch, table: Table, columns: Sequence[str]) -> Batch:
    for name in columns:
        column = column_named(batch.rows, name)
        if _has_nulls(column) and _any_added(batch, series_of(column).is_null()):
            raise RiachoError(
                f"table {table.name}: the column '{name}' {_declared(table, name)}, but a row has NULL in it",
                where=table.origin,
                mend="leave such rows out by WHERE … IS NOT NULL, give them a value by COALESCE, "
                f"or drop them: SET '{NOT_NULL_ENFORCER}' = 'DROP'",
            )
    return batch


def _has_nulls(column: Column | pl.Series) -> bool:
    if isinstance(column, pl.Series):
        return column.null_count() > 0
    return column.valid is not None and not column.valid.all()


def _any_added(batch: Batch, rows: pl.Series) -> bool:
    """Whether one of these rows is new: an old one that goes has been let in before, under other options."""
    marked = rows.fill_null(False).to_numpy()
    return bool(marked.any() if batch.diff is None else (batch.diff[marked] > 0).any())


class _DropNulls:
    """Leaves such rows out, old values too: the sink then has what it would have without them."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        self._table = table
        self._columns = columns
        self._told = False

    def __call__(self, batch: Batch) -> Batch:
        found = [name for name in self._columns if _has_nulls(column_named(batch.rows, name))]
        if not found:
            return batch
        if not self._told:
            self._told = True
            declared = _declared(self._table, found[0])
            log.warning("table %s: rows with NULL in '%s', which %s, are dropped", self._table.name, found[0], declared)
        keep = batch.frame.select(pl.all_horizontal(pl.col(found).is_not_null())).to_series()
        return batch.take(np.flatnonzero(keep.to_numpy()))


def _declared(table: Table, name: str) -> str:
    return "is part of the PRIMARY KEY" if name in table.primary_key else "is NOT NULL"


def _length(data_type: DataType) -> int | None:
    """How long values may be, in characters or bytes; None for types that any value fits."""
    if isinstance(data_type, CharType | VarcharType | BinaryType | VarbinaryType) and data_type.length < MAX_LENGTH:
        return data_type.length
    return None


def _trim_and_pad(batch: Batch, columns: Sequence[TableColumn]) -> Batch:
    return batch.with_rows(batch.frame.with_columns(_fitted(column) for column in columns))


def _fitted(column: TableColumn) -> pl.Expr:
    value = pl.col(column.name)
    match column.type:
        case CharType() | VarcharType():
            return fitted_text(value, column.type)
        case BinaryType() | VarbinaryType():
            return fitted_bytes(value, column.type)
    raise AssertionError(f"{column.type} has no length")


def _refuse_lengths(batch: Batch, table: Table, columns: Sequence[TableColumn]) -> Batch:
    for column in columns:
        values, limit = batch.frame.get_column(column.name), _length(column.type)
        is_text = isinstance(column.type, CharType | VarcharType)
        unit, lengths = ("character", values.str.len_chars()) if is_text else ("byte", values.bin.size())
        wrong = lengths != limit if isinstance(column.type, CharType | BinaryType) else lengths > limit
        if _any_added(batch, wrong):
            length = lengths.filter(wrong)[0]
            raise RiachoError(
                f"table {table.name}: the column '{column.name}' is {column.type.name()}, "
                f"but a row has {length} {unit}{'s' * (length != 1)} in it",
                where=table.origin,
                mend=f"cut and fill such values: SET '{LENGTH_ENFORCER}' = 'TRIM_PAD'",
            )
    return batch
