"""Lines into a topic: where they come from, and what is said of those that were written."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from riacho.cli.phrases import counted
from riacho.cli.record_lines import BadLineError, Lines, RecordParser, read_lines
from riacho.client.columns import BinaryColumn, HeaderColumn, ProduceColumns
from riacho.client.errors import DeliveryError
from riacho.client.producer import Producer
from riacho.errors import RiachoError, UsageError


@dataclass(slots=True)
class Input:
    """An opened file or standard input."""

    name: str
    descriptor: int
    size: int | None
    """In bytes, where it is known."""
    terminal: bool
    bytes_read: int = 0

    def lines(self) -> Iterator[Lines]:
        """Its lines, as they come. Raises `RiachoError`."""
        try:
            for lines in read_lines(self.descriptor):
                self.bytes_read += lines.data.size
                yield lines
        except OSError as error:
            raise RiachoError(f"reading failed: {error.strerror}", where=self.name) from error


@contextmanager
def open_input(path: Path | None) -> Iterator[Input]:
    """A file, or standard input. Raises `UsageError` where it cannot be opened."""
    if path is None or str(path) == "-":
        descriptor = sys.stdin.fileno()
        terminal = os.isatty(descriptor)
        if terminal:
            sys.stderr.write("a line is a record; Ctrl-D ends\n")
        yield Input("standard input", descriptor, _size(descriptor), terminal)
        return
    try:
        with path.open("rb", buffering=0) as file:
            yield Input(str(path), file.fileno(), _size(file.fileno()), file.isatty())
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise UsageError(f"cannot read the file: {error.strerror}", where=str(path)) from error


def _size(descriptor: int) -> int | None:
    status = os.fstat(descriptor)
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class RecordWriter:
    """Produces lines to one topic, each with the same headers and partition besides its own."""

    def __init__(
        self,
        producer: Producer,
        topic: str,
        parse: RecordParser,
        source: str,
        *,
        headers: Mapping[str, str],
        partition: int | None,
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._parse = parse
        self._source = source
        self._headers = [(name, value.encode()) for name, value in headers.items()]
        self._partition = partition
        self._produced = 0

    def write(self, lines: Lines) -> None:
        """Queue the lines' records. At a wrong line those before it are written first; then raises `RiachoError`."""
        try:
            records = self._parse(lines)
        except BadLineError as error:
            sound = lines.take(slice(0, error.row))
            if len(sound):
                self.write(sound)  # one of them may be wrong in another way: then that is said
            self._producer.flush()
            mend = f"the lines before it are written: {counted(self._producer.acknowledged, 'record')}"
            raise RiachoError(
                error.what,
                where=f"{self._source}:{lines.first + error.row}",
                mend=mend if error.mend is None else f"{error.mend}\n  {mend}",
            ) from error
        self._produce(records)

    def settle(self, timeout_ms: float) -> str:
        """Wait a little for what was sent, and say what became of the records."""
        late = ""
        try:
            self._producer.flush(timeout_ms)
        except DeliveryError:
            late = "; the others may be written, or not"
        return f"{self._producer.acknowledged:,} of {counted(self._produced, 'record')} acknowledged{late}"

    def _produce(self, records: list[ProduceColumns]) -> None:
        for columns in records:
            self._producer.produce(self._topic, self._completed(columns))
            self._produced += len(columns)

    def _completed(self, columns: ProduceColumns) -> ProduceColumns:
        if self._headers and columns.headers is None:
            shared = [(name, BinaryColumn.constant(value, len(columns))) for name, value in self._headers]
            columns = replace(columns, headers=HeaderColumn.from_columns(shared))
        if self._partition is not None and columns.partition is None:
            columns = replace(columns, partition=self._partition)
        return columns
