"""Writes rows to files of a directory; a part is visible only when it is whole: the `filesystem` sink."""

from __future__ import annotations

import fnmatch
import itertools
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl

from riacho.dataflow.batch import Batch
from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.filesystem import FileTable
from riacho.dataflow.sinks import SinkCounts
from riacho.dataflow.sources import Json, Positions
from riacho.errors import RiachoError
from riacho.formats.decoding import Spans
from riacho.host import Disk, SystemDisk
from riacho.kernels.spans import write_lines

_RUN = "run"


class FileSink:
    """Appends to a hidden file and renames it to `part-<run>-<number>` when it is complete.

    A part is complete when the job flushes, or when it is as large or old as the rolling policy says. A run is one life
    of one job's sink: what a kill left of it is known by its name.
    """

    def __init__(
        self,
        table: FileTable,
        environment: ConnectorEnvironment,
        disk: Disk | None = None,
        run: str | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self._table = table
        self._clock = environment.clock
        self._disk = disk or SystemDisk()
        opened = table.format
        self._encoder = None if opened is None else opened.encoder()
        self._changes = None if opened is None or opened.change_encoder is None else opened.change_encoder()
        self._run = run or uuid.uuid4().hex[:12]
        self._numbers = numbers or itertools.count()
        self._number = 0
        self._fd: int | None = None
        self._size = 0
        self._opened_ms = 0.0
        self._frames: list[pl.DataFrame] = []
        self._rows = 0
        self._bytes = 0

    def write(self, batch: Batch) -> None:
        if not len(batch):
            return
        self._rows += len(batch)
        if self._changes is not None:
            changes = self._changes.encode_changes(batch.frame, batch.signs())
            self._append(_lines(changes, self._table.line_delimiter))
        elif self._encoder is None:
            _assert_added(batch)
            if not self._frames:
                self._opened_ms = self._clock.monotonic_ms()
            self._frames.append(batch.frame)
            self._size += int(batch.frame.estimated_size())
        else:
            _assert_added(batch)
            self._append(_lines(self._encoder.encode(batch.rows), self._table.line_delimiter))
        age = self._clock.monotonic_ms() - self._opened_ms
        if self._size >= self._table.roll_bytes or age >= self._table.roll_ms:
            self.flush()

    def flush(self) -> None:
        """Make what was written a part of its own, durable and visible."""
        if self._frames:
            assert self._table.whole is not None
            encoded = self._table.whole.write(pl.concat(self._frames))
            self._frames = []
            self._size = 0
            self._append(encoded)
        if self._fd is None:
            return
        directory = self._table.path
        name = f"part-{self._run}-{self._number}"
        try:
            self._disk.sync(self._fd)
            self._disk.close(self._fd)
            self._disk.rename(directory / _hidden(self._run, self._number), directory / name)
            self._disk.sync_directory(directory)
        except OSError as error:
            raise failed(self._table, error) from error
        finally:
            self._fd = None
        self._size = 0

    def positions(self) -> Positions:
        return {_RUN: self._run}

    def restore(self, positions: Mapping[str, Json]) -> None:
        """Remove what an earlier run did not complete. Its parts stay: repeats are appended."""
        run = positions[_RUN]
        assert isinstance(run, str), "a run has a name"
        remove_unfinished(self._table, self._disk, self._table.path, run)

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(self._rows, self._bytes)

    def close(self) -> None:
        self.flush()

    def _append(self, data: bytes | memoryview) -> None:
        directory = self._table.path
        try:
            if self._fd is None:
                self._disk.make_directory(directory)
                self._number = next(self._numbers)
                self._fd = self._disk.open(directory / _hidden(self._run, self._number), create=True)
                self._opened_ms = self._clock.monotonic_ms()
                self._size = 0
            self._disk.write(self._fd, self._size, [data])
        except OSError as error:
            raise failed(self._table, error) from error
        self._size += len(data)
        self._bytes += len(data)


def remove_unfinished(table: FileTable, disk: Disk, directory: Path, run: str) -> None:
    """Remove what a run did not complete in a directory."""
    try:
        names = disk.list(directory) if disk.exists(directory) else []
        left = fnmatch.filter(names, _hidden(run, "*"))
        for name in left:
            disk.unlink(directory / name)
        if left:
            disk.sync_directory(directory)
    except OSError as error:
        raise failed(table, error) from error


def failed(table: FileTable, error: OSError) -> RiachoError:
    """The error for a disk that refuses."""
    return RiachoError(
        f"table {table.table.name}: {table.path} cannot be written: {error.strerror}", where=table.table.origin
    )


def _assert_added(batch: Batch) -> None:
    assert batch.diff is None or (batch.diff > 0).all(), "the planner keeps retractions from such files"


def _hidden(run: str, number: int | str) -> str:
    """The name of a part that is not complete."""
    return f".part-{run}-{number}.inprogress"


def _lines(records: Spans, delimiter: bytes) -> memoryview:
    """The records with a delimiter after each."""
    out = np.empty(records.size + len(records) * len(delimiter), np.uint8)
    write_lines(records.data, records.start, records.length, np.frombuffer(delimiter, np.uint8), out)
    return out.data
