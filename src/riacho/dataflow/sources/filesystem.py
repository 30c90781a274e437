"""Reads files once, in the order of their names: the `filesystem` source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from riacho.dataflow.batch import Int64Array
from riacho.dataflow.columns import polars_type
from riacho.dataflow.connectors.filesystem import FileTable
from riacho.dataflow.sources import Json, Positions, RecordOrigin, SourceBatch, SourceCounts
from riacho.dataflow.sources.bad_records import BadRecords
from riacho.errors import RiachoError
from riacho.formats.csv_decoder import split_lines
from riacho.formats.decoding import Decoded, Spans
from riacho.formats.format import WholeFiles
from riacho.plan.tables import ColumnKind, TableColumn

BLOCK_BYTES = 8 << 20
"""How much of a file is read at once; a longer line takes as much as it needs."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Some lines of a file, or rows of a format of whole files. `first` is the number of records before them."""

    path: Path
    first: int
    lines: Spans | None
    frame: pl.DataFrame | None
    end: int
    """The byte after the last line, or the row after the last."""

    def __len__(self) -> int:
        if self.lines is not None:
            return len(self.lines)
        assert self.frame is not None
        return self.frame.height


@dataclass(frozen=True, slots=True)
class _FileOrigins:
    block: _Block
    first: int
    record: Int64Array

    def of(self, row: int) -> RecordOrigin:
        record = int(self.record[row])
        value = None if self.block.lines is None else self.block.lines[self.first + record]
        return RecordOrigin(str(self.block.path), None, self.block.first + self.first + record + 1, None, value)


class FileSource:
    """Delivers the rows of all files of a table; it ends with the last one. All files are one split."""

    splits: Sequence[str] = ("its files",)

    def __init__(self, table: FileTable, fields: Sequence[str]) -> None:
        self._table = table
        self._fields = tuple(fields)
        columns = {column.name: column for column in table.table.stored_columns}
        self._columns = [columns[name] for name in fields]
        keys = table.table.partitioned_by
        self._physical = [
            column.name for column in self._columns if column.kind is ColumnKind.PHYSICAL and column.name not in keys
        ]
        self._decoder = None if table.format is None else table.format.decoder(self._physical)
        self._bad = BadRecords(table.table.name, table.policy)
        self._file: str | None = None
        """The file of the last delivered record, and where to go on in it."""
        self._offset = 0
        self._record = 0
        self._blocks: Iterator[_Block] | None = None
        self._block: _Block | None = None
        self._place = 0
        self._ended = False

    @property
    def finished(self) -> bool:
        return self._ended

    @property
    def finished_splits(self) -> frozenset[int]:
        return frozenset({0}) if self._ended else frozenset()

    def poll(self, max_rows: int, max_bytes: int, max_wait_ms: int) -> SourceBatch | None:
        del max_bytes, max_wait_ms  # a file is there at once, in blocks of a bounded size
        block = self._current()
        if block is None:
            return None
        first, count = self._place, min(max_rows, len(block) - self._place)
        self._place += count
        self._record = block.first + self._place
        if self._place == len(block):
            self._offset = block.end
            self._current()  # so that `finished` is true with the last row
        diff = None
        if block.lines is None:
            assert block.frame is not None
            frame, record, size = block.frame[first : first + count], np.arange(count), 0
        else:
            lines = block.lines.slice(first, first + count)
            decoded = self._decoded(block, lines, first)
            frame, record, diff = decoded.frame, decoded.record, decoded.diff
            size = int(lines.length.sum(dtype=np.int64))
        frame = self._with_metadata(frame, block.path)
        self._bad.delivered(frame.height, size)
        if not frame.height:
            return None
        return SourceBatch(frame, np.zeros(frame.height, np.int32), size, _FileOrigins(block, first, record), diff)

    def reject(self, batch: SourceBatch, rows: Int64Array, reasons: Sequence[str]) -> None:
        self._bad.reject(batch.origins, rows, reasons)

    def positions(self) -> Positions:
        if self._ended:
            return {"ended": True}
        if self._block is not None and 0 < self._place < len(self._block):
            # Inside a block: go on at its beginning and leave out what was delivered.
            begun = self._block
            return {"file": str(begun.path), "offset": self._offset, "record": begun.first, "skip": self._place}
        return {"file": self._file, "offset": self._offset, "record": self._record, "skip": 0}

    def mark(self) -> Callable[[], Positions]:
        return self.positions().copy

    def seek(self, positions: Mapping[str, Json]) -> None:
        if positions.get("ended"):
            self._ended = True
            return
        file, offset, record = positions["file"], positions["offset"], positions["record"]
        skip = positions["skip"]
        assert isinstance(offset, int)
        assert isinstance(record, int)
        assert isinstance(skip, int)
        assert file is None or isinstance(file, str)
        self._file, self._offset, self._record = file, offset, record
        self._place = skip

    def flush(self) -> None:
        """Nothing waits: files have no dead letters."""

    def commit(self, positions: Mapping[str, Json]) -> None:
        """Nobody outside is to be told."""

    def lag(self) -> int | None:
        return None

    @property
    def counts(self) -> SourceCounts:
        return self._bad.counts

    def wake(self) -> None:
        """A poll never waits."""

    def close(self) -> None:
        self._blocks = None

    def _current(self) -> _Block | None:
        """The block with rows left; None at the end."""
        if self._ended:
            return None
        if self._blocks is None:
            self._blocks = self._all_blocks()
            skip, self._place = self._place, 0
            self._block = next(self._blocks, None)
            self._place = skip
        while self._block is not None and self._place >= len(self._block):
            self._offset = self._block.end
            self._file = str(self._block.path)
            self._place = 0
            self._block = next(self._blocks, None)
            if self._block is not None and str(self._block.path) != self._file:
                self._file, self._offset = str(self._block.path), 0
        if self._block is None:
            self._ended = True
        else:
            self._file = str(self._block.path)
        return self._block

    def _all_blocks(self) -> Iterator[_Block]:
        path = self._table.path
        try:
            files = files_of(path)
            for file in files:
                name = str(file)
                if self._file is not None and name < self._file:
                    continue
                resumed = name == self._file
                offset, record = (self._offset, self._record) if resumed else (0, 0)
                if self._table.whole is not None:
                    yield from self._pieces(self._table.whole, file, offset)
                else:
                    yield from self._lines(file, offset, record)
        except OSError as error:
            raise RiachoError(
                f"table {self._table.table.name}: {error.filename or path} cannot be read: {error.strerror}",
                where=self._table.table.origin,
            ) from error

    def _lines(self, file: Path, offset: int, record: int) -> Iterator[_Block]:
        """The file from a byte on, in blocks of whole lines."""
        opened = self._table.format
        assert opened is not None
        delimiter = self._table.line_delimiter
        with file.open("rb") as stream:
            stream.seek(offset)
            rest = b""
            while True:
                read = stream.read(BLOCK_BYTES)
                data = np.frombuffer(rest + read, np.uint8)
                if not len(data):
                    return
                lines = split_lines(data, delimiter, opened.line_quote)
                if read and len(lines):  # the last line may go on in the next block
                    rest = lines[len(lines) - 1] or b""
                    if not (rest + read).endswith(delimiter) or rest:
                        last = int(lines.start[-1])
                        rest = data[last:].tobytes()
                        lines = lines.slice(0, len(lines) - 1)
                    else:
                        rest = b""
                else:
                    rest = b""
                used = len(data) - len(rest)
                offset += used
                if len(lines):
                    yield _Block(file, record, lines, None, offset)
                    record += len(lines)
                if not read:
                    return

    def _pieces(self, whole: WholeFiles, file: Path, first: int) -> Iterator[_Block]:
        """The file from a row on."""
        try:
            for frame in whole.read(file, self._physical, first):
                yield _Block(file, first, None, frame, first + frame.height)
                first += frame.height
        except RiachoError as error:
            raise RiachoError(
                f"table {self._table.table.name}: {file} does not hold its columns: {error.what}",
                where=self._table.table.origin,
            ) from error

    def _decoded(self, block: _Block, lines: Spans, first: int) -> Decoded:
        assert self._decoder is not None
        decoded = self._decoder.decode(lines)
        if decoded.bad:
            places = np.array([item.record for item in decoded.bad], np.int64)
            origins = _FileOrigins(block, first, places)
            self._bad.take([(origins.of(index), item.reason) for index, item in enumerate(decoded.bad)])
        self._bad.ignored(decoded.ignored)
        return decoded

    def _with_metadata(self, frame: pl.DataFrame, path: Path) -> pl.DataFrame:
        extra = [_metadata(column, path) for column in self._columns if column.kind is ColumnKind.METADATA]
        partitions = self._table.partitions
        if partitions is not None:
            extra += partitions.columns(path.parent.relative_to(self._table.path), self._columns)
        if not extra:
            return frame
        return frame.with_columns(extra).select(self._fields)


def _metadata(column: TableColumn, path: Path) -> pl.Expr:
    status = path.stat()
    key = column.metadata_key or column.name
    value: str | int | datetime
    match key:
        case "file.path":
            value = path.absolute().as_uri()
        case "file.name":
            value = path.name
        case "file.size":
            value = status.st_size
        case _:
            value = datetime.fromtimestamp(status.st_mtime, UTC)
    return pl.lit(value).cast(polars_type(column.type)).alias(column.name)


def files_of(path: Path) -> list[Path]:
    """The file, or the files in the directory, however deep; hidden ones and those that begin with `_` are not data."""
    if not path.is_dir():
        path.stat()
        return [path]
    found = [file for file in path.rglob("*") if file.is_file()]
    return sorted(
        file for file in found if not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)
    )
