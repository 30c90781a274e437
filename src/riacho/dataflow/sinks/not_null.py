"""NOT NULL columns of a table that is written: a NULL ends the job.

Source: Flink, `table.exec.sink.not-null-enforcer` = `ERROR`.
"""

from __future__ import annotations

from collections.abc import Mapping

from riacho.dataflow.batch import Batch
from riacho.dataflow.sinks import Sink, SinkCounts
from riacho.dataflow.sources import Json, Positions
from riacho.errors import RiachoError
from riacho.plan.tables import Table


def not_null(sink: Sink, table: Table) -> Sink:
    """The sink, which refuses NULL in the table's NOT NULL columns."""
    columns = [column.name for column in table.persisted_columns if not column.type.nullable]
    return NotNullSink(sink, table, columns) if columns else sink


class NotNullSink:
    """Looks at what is written to another sink."""

    def __init__(self, sink: Sink, table: Table, columns: list[str]) -> None:
        self._sink = sink
        self._table = table
        self._columns = columns

    def write(self, batch: Batch) -> None:
        for name in self._columns:
            column = batch.frame.get_column(name)
            # A row that goes may be known by its key alone.
            if column.null_count() and (batch.signs()[column.is_null().to_numpy()] > 0).any():
                raise self._error(name)
        self._sink.write(batch)

    def _error(self, name: str) -> RiachoError:
        declared = "is part of the PRIMARY KEY" if name in self._table.primary_key else "is NOT NULL"
        return RiachoError(
            f"table {self._table.name}: the column '{name}' {declared}, but a row has NULL in it",
            where=self._table.origin,
            mend="leave such rows out by WHERE … IS NOT NULL, or give them a value by COALESCE",
        )

    def flush(self) -> None:
        self._sink.flush()

    def positions(self) -> Positions:
        return self._sink.positions()

    def restore(self, positions: Mapping[str, Json]) -> None:
        self._sink.restore(positions)

    @property
    def counts(self) -> SinkCounts:
        return self._sink.counts

    def close(self) -> None:
        self._sink.close()
