"""Partitions of a table of files: directories `key=value`, one below another, and when one of them is complete.

Source: Flink, "FileSystem SQL Connector: Partition Files, Partition Commit" (PartitionPathUtils).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.errors import RiachoError
from riacho.formats.options import Option, Options, duration, one_of
from riacho.plan.tables import Table, TableColumn
from riacho.plan.types import BooleanType, CharType, DateType, IntegerType, VarcharType

PROCESS_TIME, PARTITION_TIME = "process-time", "partition-time"
SUCCESS_FILE = "success-file"

_ESCAPED = re.compile("[\x01-\x1f\x7f\"#%'*/:=?\\\\{\\[\\]^]")
"""What does not stand in a directory's name as it is: Hive's list."""
_KINDS = (CharType, VarcharType, IntegerType, BooleanType, DateType)

_PLACE = "$place"
"""The numbers of rows; no key is called so."""

Int64Array = npt.NDArray[np.int64]

_PLACEHOLDER = re.compile(r"\$(\w+)")


def _word(value: str) -> str | None:
    return value


def _zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("a time zone such as 'UTC' or 'Europe/Lisbon'") from None


def _policies(value: str) -> tuple[str, ...]:
    given = tuple(part.strip() for part in value.split(",") if part.strip())
    if any(part != SUCCESS_FILE for part in given):
        raise ValueError(f"'{SUCCESS_FILE}': there is no metastore, and no class of your own")
    return given


_DEFAULT_NAME = Option("partition.default-name", str, "__DEFAULT_PARTITION__")
_TRIGGER = Option("sink.partition-commit.trigger", one_of(PROCESS_TIME, PARTITION_TIME), PROCESS_TIME)
_DELAY = Option("sink.partition-commit.delay", duration, 0)
_POLICIES: Option[tuple[str, ...]] = Option("sink.partition-commit.policy.kind", _policies, ())
_SUCCESS_NAME = Option("sink.partition-commit.success-file.name", str, "_SUCCESS")
_ZONE = Option("sink.partition-commit.watermark-time-zone", _zone, ZoneInfo("UTC"))
_EXTRACTOR = Option("partition.time-extractor.kind", one_of("default"), "default")
_PATTERN: Option[str | None] = Option("partition.time-extractor.timestamp-pattern", _word, None)


@dataclass(frozen=True, slots=True)
class Commit:
    """When a partition is complete, and what tells so: an empty file, where `success_name` is one.

    By the clock, `delay_ms` after its first row; or by the watermark, `delay_ms` after the time that `pattern` reads
    from its values.
    """

    by_watermark: bool
    delay_ms: int
    success_name: str | None
    pattern: str | None
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Partitions:
    """The keys of a partitioned table, the names of their directories, and when they are complete."""

    table: Table
    default_name: str
    commit: Commit | None

    @property
    def keys(self) -> tuple[str, ...]:
        return self.table.partitioned_by

    def parts(self, keys: Sequence[pl.Series]) -> list[tuple[str, Int64Array]]:
        """Each directory, below the table's own, with the places of its rows, in the order of their first ones.

        `keys` are the rows' values of each key; there must be rows.
        """
        if not any(values.null_count() for values in keys) and all((values == values[0]).all() for values in keys):
            texts = [
                values[:1].cast(pl.String)[0] for values in keys
            ]  # of one partition, as rows of a moment mostly are
            return [(self._directory(texts), np.arange(len(keys[0])))]
        texts_of = [values.cast(pl.String).alias(name) for values, name in zip(keys, self.keys, strict=True)]
        rows = pl.DataFrame(texts_of).with_columns(pl.col(self.keys).replace("", None)).with_row_index(_PLACE)
        groups = rows.group_by(self.keys, maintain_order=True).agg(_PLACE)
        places = groups.get_column(_PLACE)
        ends = np.cumsum(places.list.len().to_numpy(), dtype=np.int64)
        apart = np.split(places.explode().to_numpy().astype(np.int64), ends[:-1])
        return list(zip(map(self._directory, groups.select(self.keys).iter_rows()), apart, strict=True))

    def _directory(self, values: Sequence[str | None]) -> str:
        named = zip(self.keys, values, strict=True)
        return "/".join(f"{escaped(key)}={escaped(value) if value else self.default_name}" for key, value in named)

    def values(self, directory: Path) -> dict[str, str | None]:
        """What the names of directories say; raises `RiachoError` where they do not name every key."""
        found = {}
        for part in directory.parts:
            key, equals, value = part.partition("=")
            if equals:
                found[unquote(key)] = None if value == self.default_name else unquote(value)
        missing = [key for key in self.keys if key not in found]
        if missing:
            raise RiachoError(
                f"table {self.table.name}: the directory '{directory}' does not say what '{missing[0]}' is",
                where=self.table.origin,
                mend=f"a partition's directory is {'/'.join(f'{key}=…' for key in self.keys)}",
            )
        return found

    def columns(self, directory: Path, columns: Sequence[TableColumn]) -> list[pl.Expr]:
        """The keys among these columns, as a partition's directory has them."""
        values = self.values(directory)
        keys = [column for column in columns if column.name in self.keys]
        return [
            pl.lit(self._value(directory, column, values[column.name]), polars_type(column.type)).alias(column.name)
            for column in keys
        ]

    def _value(self, directory: Path, column: TableColumn, text: str | None) -> str | int | bool | date | None:
        """What the name of a directory is as a column's value."""
        if text is None:
            return None
        try:
            match column.type:
                case IntegerType():
                    return int(text)
                case BooleanType():
                    return text == "true"
                case DateType():
                    return date.fromisoformat(text)
        except ValueError as error:
            raise RiachoError(
                f"table {self.table.name}: the directory '{directory}' has no {column.type.name()} for '{column.name}'",
                where=self.table.origin,
            ) from error
        return text

    def time_ms(self, directory: str) -> int:
        """The time that a partition's values say. Raises `RiachoError` where they say none."""
        assert self.commit is not None
        values = self.values(Path(directory))
        pattern = self.commit.pattern or f"${self.keys[0]}"
        text = _PLACEHOLDER.sub(lambda found: values.get(found[1]) or "", pattern)
        try:
            time = datetime.fromisoformat(text.strip())
        except ValueError as error:
            raise RiachoError(
                f"table {self.table.name}: the partition '{directory}' has no time: '{text}'",
                where=self.table.origin,
                mend="set 'partition.time-extractor.timestamp-pattern' so that it gives yyyy-MM-dd HH:mm:ss",
            ) from error
        return int(time.replace(tzinfo=self.commit.zone).timestamp() * 1000)


def escaped(text: str) -> str:
    """Text as a part of a directory's name.

    >>> escaped("10:30")
    '10%3A30'
    """
    return _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", text)


def read_partitions(table: Table, options: Options) -> Partitions | None:
    """How a table is partitioned; None where it is not. Raises `OptionError`."""
    default_name = options.get(_DEFAULT_NAME)
    trigger, delay, policies = options.get(_TRIGGER), options.get(_DELAY), options.get(_POLICIES)
    success_name, where, pattern = options.get(_SUCCESS_NAME), options.get(_ZONE), options.get(_PATTERN)
    options.get(_EXTRACTOR)
    if not table.partitioned_by:
        return None
    types: Mapping[str, object] = {key: table.column(key).type for key in table.partitioned_by}
    for key, kind in types.items():
        if not isinstance(kind, _KINDS):
            raise options.error(f"a table cannot be partitioned by '{key}', which is {table.column(key).type.name()}")
    commit = None
    if policies:
        commit = Commit(trigger == PARTITION_TIME, delay, success_name, pattern, where)
    elif options.has(_TRIGGER) or options.has(_DELAY):
        what = "a partition commit needs the option 'sink.partition-commit.policy.kind'"
        raise options.error(what, mend=f"set it to '{SUCCESS_FILE}'")
    return Partitions(table, default_name, commit)
