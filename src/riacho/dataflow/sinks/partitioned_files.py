"""Writes rows to the directories of their partitions, and says which partitions are complete."""

from __future__ import annotations

import itertools
import logging
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK, Batch
from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.filesystem import FileTable
from riacho.dataflow.sinks import SinkCounts
from riacho.dataflow.sinks.filesystem import FileSink, failed, remove_unfinished
from riacho.dataflow.sources import Json, Positions
from riacho.formats.buffered import column_named, series_of, without
from riacho.host import Disk, SystemDisk

_RUN, _PENDING = "run", "pending"

log = logging.getLogger(__name__)


class PartitionedFileSink:
    """A `FileSink` for each partition that has rows since the last flush, all of one run.

    A partition that was written to is pending until it is committed, which happens in a flush, after its files are
    visible; late rows make it pending again. Source: Flink, PartitionCommitter.
    """

    def __init__(self, table: FileTable, environment: ConnectorEnvironment, disk: Disk | None = None) -> None:
        assert table.partitions is not None, "the table is partitioned"
        self._table = table
        self._partitions = table.partitions
        self._environment = environment
        self._disk = disk or SystemDisk()
        self._run = uuid.uuid4().hex[:12]
        self._numbers: Iterator[int] = itertools.count()
        self._open: dict[str, FileSink] = {}
        self._pending: dict[str, int] = {}
        """By directory, when its first row came, by the clock."""
        self._watermark = NO_WATERMARK
        self._rows = 0
        self._bytes = 0

    def write(self, batch: Batch) -> None:
        self._watermark = max(self._watermark, batch.watermark.after)
        if not len(batch):
            return
        self._rows += len(batch)
        keys = [series_of(column_named(batch.rows, key)) for key in self._partitions.keys]
        rows = batch.with_rows(without(batch.rows, self._partitions.keys))
        now = self._environment.clock.now_ms()
        for directory, places in self._partitions.parts(keys):
            if directory not in self._open:
                inner = replace(self._table, path=self._table.path / directory, partitions=None)
                self._open[directory] = FileSink(inner, self._environment, self._disk, self._run, self._numbers)
            self._pending.setdefault(directory, now)
            self._open[directory].write(rows if len(places) == len(batch) else rows.take(places))

    def flush(self) -> None:
        """Make what was written visible, then commit the partitions that are complete."""
        for sink in self._open.values():
            sink.flush()
            self._bytes += sink.counts.bytes
        self._open.clear()
        for directory in sorted(directory for directory in self._pending if self._is_complete(directory)):
            self._commit(directory)
            del self._pending[directory]

    def finish(self) -> None:
        """The input has ended: every partition is complete."""
        self._watermark = END_OF_TIME

    def _is_complete(self, directory: str) -> bool:
        commit = self._partitions.commit
        if commit is None or self._watermark == END_OF_TIME:
            return True
        if commit.by_watermark:
            return self._watermark >= self._partitions.time_ms(directory) + commit.delay_ms
        return self._environment.clock.now_ms() >= self._pending[directory] + commit.delay_ms

    def _commit(self, directory: str) -> None:
        commit = self._partitions.commit
        if commit is None or commit.success_name is None:
            return
        path = self._table.path / directory
        try:
            file = self._disk.open(path / commit.success_name, create=True)
            self._disk.sync(file)
            self._disk.close(file)
            self._disk.sync_directory(path)
        except OSError as error:
            raise failed(self._table, error) from error
        log.info("table %s: partition %s is complete", self._table.table.name, directory)

    def positions(self) -> Positions:
        return {_RUN: self._run, _PENDING: dict(self._pending)}

    def restore(self, positions: Mapping[str, Json]) -> None:
        """Remove what an earlier run did not complete, in any partition, and go on with what was pending."""
        run, pending = positions[_RUN], positions[_PENDING]
        assert isinstance(run, str)
        assert isinstance(pending, dict)
        self._pending = {directory: int(str(since)) for directory, since in pending.items()}
        for directory in self._directories(self._table.path, len(self._partitions.keys)):
            remove_unfinished(self._table, self._disk, directory, run)

    def _directories(self, path: Path, depth: int) -> list[Path]:
        """The directories of all partitions."""
        try:
            if not self._disk.exists(path):
                return []
            if not depth:
                return [path]
            below = [path / name for name in self._disk.list(path) if "=" in name]
        except OSError as error:
            raise failed(self._table, error) from error
        return [found for part in below for found in self._directories(part, depth - 1)]

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(self._rows, self._bytes + sum(sink.counts.bytes for sink in self._open.values()))

    def close(self) -> None:
        self.flush()
