"""Avro: a record as binary or JSON by the schema of the table's columns, and files of such records.

Source: Flink, "Avro Format". The package `fastavro` does the coding; it comes with `riacho[avro]`.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import polars as pl

from riacho.errors import RiachoError
from riacho.formats import buffered
from riacho.formats.avro_json import read_json, write_json
from riacho.formats.avro_schema import Schema, avro_schema, check_types
from riacho.formats.avro_values import frame_of, rows_of
from riacho.formats.decoding import BadRecord, Decoded, Spans
from riacho.formats.fields import Field
from riacho.formats.format import Format
from riacho.formats.options import Option, Options, boolean, one_of

BINARY, JSON = "binary", "json"
CODECS = ("null", "deflate", "snappy", "bzip2", "xz")

_ENCODING = Option("encoding", one_of(BINARY, JSON), default=BINARY)
_LEGACY = Option("timestamp_mapping.legacy", boolean, default=True)
_CODEC = Option("codec", one_of(*CODECS), default="snappy")

AVRO_OPTIONS: tuple[Option[Any], ...] = (_ENCODING, _LEGACY, _CODEC)


def open_avro(columns: tuple[Field, ...], options: Options) -> Format:
    """A record per row. Raises `OptionError`."""
    package = _package(options)
    encoding, legacy = options.get(_ENCODING), options.get(_LEGACY)
    if options.has(_CODEC):
        raise options.error("'avro.codec' is for files: of a record nothing is compressed")
    check_types(columns, options, legacy=legacy)
    schema = avro_schema(columns, legacy=legacy, logical=False)
    coding = _Json(schema) if encoding == JSON else _Binary(package, package.parse_schema(schema))
    return Format(
        "avro",
        lambda wanted: AvroDecoder(columns, wanted, coding),
        lambda: AvroEncoder(columns, coding),
    )


def open_avro_files(columns: tuple[Field, ...], options: Options) -> AvroFiles:
    """Files of rows. Raises `OptionError`."""
    package = _package(options)
    legacy, codec = options.get(_LEGACY), options.get(_CODEC)
    if options.has(_ENCODING) and options.get(_ENCODING) == JSON:
        raise options.error("'avro.encoding' is for records: files of Avro are binary")
    check_types(columns, options, legacy=legacy)
    return AvroFiles(package, columns, avro_schema(columns, legacy=legacy, logical=True), codec)


def _package(options: Options) -> ModuleType:
    try:
        import fastavro
    except ImportError:
        raise options.error("the format 'avro' needs the package fastavro", mend="pip install 'riacho[avro]'") from None
    package: ModuleType = fastavro
    return package


class _Coding(Protocol):
    """How one record is read and written. Reading raises one of `FAULTS` where it is none."""

    def read(self, data: bytes) -> dict[str, Any]: ...

    def write(self, row: dict[str, Any]) -> bytes: ...


FAULTS = (EOFError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, struct.error)


@dataclass(frozen=True, slots=True)
class _Binary:
    package: ModuleType
    schema: Schema

    def read(self, data: bytes) -> dict[str, Any]:
        row: dict[str, Any] = self.package.schemaless_reader(io.BytesIO(data), self.schema, None)
        return row

    def write(self, row: dict[str, Any]) -> bytes:
        out = io.BytesIO()
        self.package.schemaless_writer(out, self.schema, row)
        return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Json:
    schema: Schema

    def read(self, data: bytes) -> dict[str, Any]:
        return read_json(self.schema, data)

    def write(self, row: dict[str, Any]) -> bytes:
        return write_json(self.schema, row)


class AvroDecoder:
    """Reads every field of a record, in the order of the schema, and gives those that are wanted."""

    def __init__(self, columns: Sequence[Field], wanted: Sequence[str], coding: _Coding) -> None:
        by_name = {item.name: item for item in columns}
        self._fields = [by_name[name] for name in wanted]
        self._coding = coding

    def decode(self, records: Spans) -> Decoded:
        """The rows of these records. Never raises because of their content."""
        rows: list[dict[str, Any]] = []
        places: list[int] = []
        bad: list[BadRecord] = []
        for place in range(len(records)):
            data = records[place]
            if data is None:
                continue
            try:
                rows.append(self._coding.read(data))
            except FAULTS as error:
                bad.append(
                    BadRecord(place, f"not a record of the table's Avro schema ({error or type(error).__name__})")
                )
                continue
            places.append(place)
        return Decoded(frame_of(rows, self._fields), np.array(places, np.int64), tuple(bad))


class AvroEncoder:
    """Writes one record per row."""

    def __init__(self, columns: Sequence[Field], coding: _Coding) -> None:
        self._columns = tuple(columns)
        self._coding = coding

    def encode(self, rows: buffered.Columnar) -> Spans:
        """A record per row. Raises `RiachoError` for a null in a column that has none."""
        try:
            return Spans.of([self._coding.write(row) for row in rows_of(buffered.frame_of(rows), self._columns)])
        except (TypeError, ValueError) as error:
            raise RiachoError(f"a row cannot be written as Avro: {error}") from error


class AvroFiles:
    """Object container files: the schema, then the rows in compressed blocks."""

    def __init__(self, package: ModuleType, columns: Sequence[Field], schema: Schema, codec: str) -> None:
        self._package = package
        self._columns = tuple(columns)
        self._schema = package.parse_schema(schema)
        self._codec = codec

    def read(self, path: Path, columns: Sequence[str], first: int) -> Iterator[pl.DataFrame]:
        """These columns of a file, by name; one that it lacks is null. Raises `RiachoError` where it is no Avro."""
        wanted = [item for item in self._columns if item.name in columns]
        rows: list[dict[str, Any]] = []
        with path.open("rb") as file:
            try:
                for block in self._package.block_reader(file):
                    schema = self._package.parse_schema(_plain(block.writer_schema))
                    for _ in range(block.num_records):
                        rows.append(self._package.schemaless_reader(block.bytes_, schema, None))
            except FAULTS as error:
                raise RiachoError(f"it is no Avro file: {error}") from error
        yield frame_of(rows[first:], wanted).select(columns)

    def write(self, frame: pl.DataFrame) -> bytes:
        """A file of these rows."""
        out = io.BytesIO()
        self._package.writer(out, self._schema, rows_of(frame, self._columns), codec=self._codec)
        return out.getvalue()


def _plain(schema: Schema) -> Schema:
    """A schema without the meaning of its numbers: the table's columns know that."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    hidden = ("logicalType", "__fastavro_parsed__", "__named_schemas")
    return {key: _plain(value) if key != "symbols" else value for key, value in schema.items() if key not in hidden}
