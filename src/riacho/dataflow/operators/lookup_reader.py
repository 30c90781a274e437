"""Reads a table of files that is looked up, as often as it is asked for: the table, and what stands between it and the
join."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.connectors.filesystem import FileTable
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operators.calc import Calc
from riacho.dataflow.sources.filesystem import FileSource, files_of
from riacho.dataflow.state.lookup_rows import LookupRows
from riacho.errors import RiachoError
from riacho.plan.relations import Filter, Project, Relation, Scan, Watermark
from riacho.plan.types import DataType

ROWS_AT_ONCE = 131_072


class LookupReader:
    """The rows of a relation over a table of files, by key. What was read last is given again while no file changed."""

    def __init__(
        self, relation: Relation, table: FileTable, keys: Sequence[int], types: Sequence[DataType], settings: Settings
    ) -> None:
        self._table = table
        self._keys = tuple(keys)
        self._types = list(types)
        self._fields = relation.schema.fields
        steps: list[Filter | Project] = []
        while isinstance(relation, Filter | Project | Watermark):
            if not isinstance(relation, Watermark):
                steps.insert(0, relation)
            relation = relation.input
        assert isinstance(relation, Scan), "a table that is looked up stands alone"
        self._scan = relation
        self._calc = Calc(steps, settings, None) if steps else None
        self._signature: tuple[tuple[Path, int, int], ...] = ()
        self._rows: LookupRows | None = None

    def read(self) -> LookupRows:
        """The table's rows as they are now. Raises `RiachoError` where they cannot be read, tried as often as the table
        says."""
        cache = self._table.lookup
        retries = 0 if cache is None else cache.max_retries
        while True:
            try:
                return self._current()
            except (OSError, RiachoError) as error:
                unreachable = isinstance(error, OSError) or isinstance(error.__cause__, OSError)
                if unreachable and retries:
                    retries -= 1
                    continue
                if isinstance(error, OSError):
                    raise RiachoError(
                        f"table {self._scan.table.name}: {error.filename or self._table.path} cannot be read: "
                        f"{error.strerror}",
                        where=self._scan.table.origin,
                    ) from error
                raise

    def _current(self) -> LookupRows:
        found = [(path, path.stat()) for path in files_of(self._table.path)]
        signature = tuple((path, status.st_size, status.st_mtime_ns) for path, status in found)
        if self._rows is None or signature != self._signature:
            self._rows = self._load()
            self._signature = signature
        return self._rows

    def _load(self) -> LookupRows:
        rows = LookupRows(self._types, self._fields)
        source = FileSource(self._table, self._scan.fields)
        while not source.finished:
            given = source.poll(ROWS_AT_ONCE, 0, 0)
            if given is None:
                continue
            batch = Batch(given.rows, np.arange(len(given)), WatermarkSteps.still())
            if self._calc is not None:
                batch = self._calc.process((batch,))
            if len(batch):
                rows.add(batch, self._keys)
        source.close()
        return rows
