"""What the `filesystem` connector reads from a table. Source: Flink, "FileSystem SQL Connector"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from riacho.dataflow.connectors.fields import format_fields
from riacho.dataflow.connectors.lookup import LookupCache, read_lookup_cache
from riacho.dataflow.connectors.tables import check_metadata, options_of
from riacho.dataflow.sources.bad_records import POLICY, BadRecordPolicy
from riacho.formats.format import Format
from riacho.formats.options import Option, Options, duration, memory_size
from riacho.formats.registry import formats, open_format
from riacho.plan.tables import ColumnKind, Table
from riacho.plan.types import BIGINT, STRING, DataType, TimestampLtzType

PARQUET = "parquet"
READABLE: Mapping[str, DataType] = {
    "file.path": STRING,
    "file.name": STRING,
    "file.size": BIGINT,
    "file.modification-time": TimestampLtzType(3),
}


def _word(value: str) -> str | None:
    return value


_PATH: Option[str | None] = Option("path", _word, None)
_FORMAT: Option[str | None] = Option("format", _word, None)
_ROLL_SIZE = Option("sink.rolling-policy.file-size", memory_size, 128 << 20)
_ROLL_INTERVAL = Option("sink.rolling-policy.rollover-interval", duration, 1_800_000)
_CHECK_INTERVAL = Option("sink.rolling-policy.check-interval", duration, 60_000)
_PARALLELISM: Option[str | None] = Option("sink.parallelism", _word, None)
_MONITOR: Option[str | None] = Option("source.monitor-interval", _word, None)
_LINE_DELIMITER = Option("csv.line-delimiter", lambda value: value.replace("\\n", "\n").replace("\\r", "\r"), "\n")


@dataclass(frozen=True, slots=True)
class FileTable:
    """A table of files, its options checked. `format` is None for Parquet, which Polars reads and writes."""

    table: Table
    path: Path
    format_name: str
    format: Format | None
    line_delimiter: bytes
    roll_bytes: int
    roll_ms: int
    policy: BadRecordPolicy
    lookup: LookupCache | None


def read_table(table: Table) -> FileTable:
    """The table with every option checked. Raises `OptionError`."""
    options = options_of(table)
    path = _local(options.require(_PATH, "the file or directory"), options)
    name = options.require(_FORMAT, "json, csv, raw or parquet")
    if options.get(_MONITOR) is not None:
        raise options.error("files are read once: 'source.monitor-interval' is not there yet")
    policy = options.get(POLICY)
    if policy is BadRecordPolicy.DEAD_LETTER:
        raise options.wrong(POLICY, "files have no dead-letter topic: use 'fail' or 'skip'")
    check_metadata(options, table, READABLE)
    physical = [column for column in table.columns if column.kind is ColumnKind.PHYSICAL]
    delimiter = options.get(_LINE_DELIMITER) if name == "csv" else "\n"
    opened = None
    if name != PARQUET:
        if name not in formats():
            known = ", ".join((*formats(), PARQUET))
            raise options.error(f"unknown format '{name}'", mend=f"formats: {known}")
        opened = open_format(name, format_fields(physical), options)
    options.get(_CHECK_INTERVAL)
    lookup = read_lookup_cache(options)
    options.get(_PARALLELISM)
    roll = options.get(_ROLL_SIZE), options.get(_ROLL_INTERVAL)
    result = FileTable(table, path, name, opened, delimiter.encode(), *roll, policy, lookup)
    options.finish()
    return result


def _local(path: str, options: Options) -> Path:
    parsed = urlparse(path)
    if parsed.scheme not in ("", "file"):
        raise options.wrong(_PATH, "must be a local path or a file:// URI")
    return Path(unquote(parsed.path) if parsed.scheme else path)
