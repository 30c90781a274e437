"""What the `filesystem` connector reads from a table. Source: Flink, "FileSystem SQL Connector"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from riacho.dataflow.connectors.bad_records import POLICY, BadRecordPolicy
from riacho.dataflow.connectors.fields import format_fields
from riacho.dataflow.connectors.lookup import LookupCache, read_lookup_cache
from riacho.dataflow.connectors.partitions import Partitions, read_partitions
from riacho.dataflow.connectors.tables import check_metadata, options_of
from riacho.formats.avro import open_avro_files
from riacho.formats.format import Format, WholeFiles
from riacho.formats.options import Option, Options, duration, memory_size
from riacho.formats.parquet import ParquetFiles
from riacho.formats.registry import formats, open_format, unknown_format
from riacho.plan.tables import ColumnKind, Table
from riacho.plan.types import BIGINT, STRING, DataType, TimestampLtzType

PARQUET, AVRO = "parquet", "avro"
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
    """A table of files, its options checked: of lines in a `format`, or `whole` ones."""

    table: Table
    path: Path
    format: Format | None
    whole: WholeFiles | None
    line_delimiter: bytes
    roll_bytes: int
    roll_ms: int
    policy: BadRecordPolicy
    lookup: LookupCache | None
    partitions: Partitions | None


def read_table(table: Table) -> FileTable:
    """The table with every option checked. Raises `OptionError`."""
    options = options_of(table)
    path = _local(options.require(_PATH, "the file or directory"), options)
    name = options.require(_FORMAT, "json, csv, raw, parquet or avro")
    if options.get(_MONITOR) is not None:
        raise options.error("files are read once: 'source.monitor-interval' is not there yet")
    policy = options.get(POLICY)
    if policy is BadRecordPolicy.DEAD_LETTER:
        raise options.wrong(POLICY, "files have no dead-letter topic: use 'fail' or 'skip'")
    check_metadata(options, table, READABLE)
    physical = [
        column
        for column in table.columns
        if column.kind is ColumnKind.PHYSICAL and column.name not in table.partitioned_by
    ]
    if not physical:
        raise options.error("every column is in PARTITIONED BY: nothing is left for the files")
    delimiter = options.get(_LINE_DELIMITER) if name == "csv" else "\n"
    fields = format_fields(physical)
    opened: Format | None = None
    whole: WholeFiles | None = None
    if name == PARQUET:
        whole = ParquetFiles(fields)
    elif name == AVRO:
        whole = open_avro_files(fields, options.within("avro."))
    elif name in formats():
        opened = open_format(name, fields, options)
    else:
        raise unknown_format(name, options, also=(PARQUET,))
    options.get(_CHECK_INTERVAL)
    lookup = read_lookup_cache(options)
    partitions = read_partitions(table, options)
    options.get(_PARALLELISM)
    roll = options.get(_ROLL_SIZE), options.get(_ROLL_INTERVAL)
    result = FileTable(table, path, opened, whole, delimiter.encode(), *roll, policy, lookup, partitions)
    options.finish()
    return result


def _local(path: str, options: Options) -> Path:
    parsed = urlparse(path)
    if parsed.scheme not in ("", "file"):
        raise options.wrong(_PATH, "must be a local path or a file:// URI")
    return Path(unquote(parsed.path) if parsed.scheme else path)
