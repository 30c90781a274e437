"""Formats by name: the options that each takes, named as Flink's, and the decoder or encoder that they describe."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from riacho.formats.avro import AVRO_OPTIONS, open_avro
from riacho.formats.csv_decoder import CsvDecoder, CsvDialect
from riacho.formats.csv_encoder import CsvEncoder
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.format import Format, refuse
from riacho.formats.json_format import (
    CANAL_OPTIONS,
    CHANGELOG_OPTIONS,
    DEBEZIUM_OPTIONS,
    JSON_OPTIONS,
    open_canal,
    open_debezium,
    open_json,
    open_maxwell,
)
from riacho.formats.options import Option, OptionError, Options, boolean, one_of, text
from riacho.formats.raw import RawDecoder, RawEncoder, RawOptions


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return tuple(sorted((*_FORMATS, *_CHANGELOGS)))


def option_names(name: str) -> frozenset[str]:
    """The keys of a format's options, without the format's name before them."""
    return frozenset(option.key for option in _OPTIONS[name])


def open_format(
    name: str, columns: Sequence[Field], options: Options, metadata: Mapping[str, str] | None = None
) -> Format:
    """The format `name` of these columns. `options` sees the format's own keys, without `json.`.

    `metadata` names further columns, and what the format knows of an event that they are to hold.

    Raises `OptionError` for an unknown format, a wrong value, or a column that the format cannot hold.
    """
    if name not in formats():
        raise unknown_format(name, options)
    scope = options.within(f"{name}.")
    if name in _CHANGELOGS:
        return _CHANGELOGS[name](tuple(columns), scope, metadata or {})
    return _FORMATS[name](tuple(columns), scope)


def unknown_format(name: str, options: Options, also: Sequence[str] = ()) -> OptionError:
    """The error for a name that is none of a format here."""
    known = ", ".join((*formats(), *also))
    if name in _NOT_HERE:
        return options.error(
            f"Flink's format '{name}' does not exist here: {_NOT_HERE[name]}", mend=f"formats: {known}"
        )
    return options.error(f"unknown format '{name}'", mend=f"formats: {known}")


_NO_REGISTRY = "there is no schema registry"
_NOT_HERE = {
    "avro-confluent": _NO_REGISTRY,
    "debezium-avro-confluent": _NO_REGISTRY,
    "protobuf": "there are no message classes",
    "ogg-json": "there is no Oracle GoldenGate",
    "orc": "files are read as parquet, avro, json, csv or raw",
}


def _character(value: str) -> str:
    """One character; a backslash sequence stands for what it does in Java.

    >>> _character("\\\\t") == chr(9), _character(";")
    (True, ';')
    """
    plain = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\", "\\b": "\b", "\\f": "\f"}.get(value, value)
    if plain.startswith("\\u") and len(plain) == 6:
        plain = chr(int(plain[2:], 16))
    if len(plain) != 1 or not plain.isascii():
        raise ValueError("a single ASCII character")
    return plain


def _optional_character(value: str) -> str | None:
    return _character(value)


def _optional_text(value: str) -> str | None:
    return value


_CSV_DELIMITER = Option("field-delimiter", _character, default=",")
_CSV_NO_QUOTE = Option("disable-quote-character", boolean, default=False)
_CSV_QUOTE = Option("quote-character", _character, default='"')
_CSV_COMMENTS = Option("allow-comments", boolean, default=False)
_CSV_IGNORE = Option("ignore-parse-errors", boolean, default=False)
_CSV_ARRAYS = Option("array-element-delimiter", text, default=";")
_CSV_ESCAPE: Option[str | None] = Option("escape-character", _optional_character, default=None)
_CSV_NULL: Option[str | None] = Option("null-literal", _optional_text, default=None)
_CSV_SCIENTIFIC = Option("write-bigdecimal-in-scientific-notation", boolean, default=True)


def _csv(columns: tuple[Field, ...], options: Options) -> Format:
    no_quote = options.get(_CSV_NO_QUOTE)
    if no_quote and options.has(_CSV_QUOTE):
        raise options.error("a format cannot define a quote character and disabled quote character at the same time")
    dialect = CsvDialect(
        delimiter=options.get(_CSV_DELIMITER),
        quote=None if no_quote else options.get(_CSV_QUOTE),
        escape=options.get(_CSV_ESCAPE),
        null_literal=options.get(_CSV_NULL),
        array_delimiter=options.get(_CSV_ARRAYS),
        allow_comments=options.get(_CSV_COMMENTS),
    )
    ignore, scientific = options.get(_CSV_IGNORE), options.get(_CSV_SCIENTIFIC)
    options.get(_CSV_QUOTE)
    for item in columns:
        refuse(item, item.type, options, {Kind.MAP}, lambda _: False, "CSV cannot hold a MAP")
        refuse(item, item.type, options, {Kind.TIME}, _is_milliseconds, "CSV holds TIME up to TIME(3)")
    return Format(
        "csv",
        lambda wanted: CsvDecoder(columns, wanted, dialect, ignore_parse_errors=ignore),
        lambda: CsvEncoder(columns, dialect, scientific_decimals=scientific),
        line_quote=dialect.quote,
    )


def _is_milliseconds(kind: FieldType) -> bool:
    return kind.precision <= 3


def _charset(value: str) -> str:
    try:
        return codecs.lookup(value).name
    except LookupError:
        raise ValueError("a charset such as 'UTF-8' or 'ISO-8859-1'") from None


_RAW_CHARSET = Option("charset", _charset, default="utf-8")
_RAW_ENDIANNESS = Option("endianness", one_of("big-endian", "little-endian"), default="big-endian")
_RAW_KINDS = frozenset({Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT, Kind.STRING, Kind.BYTES})


def _raw(columns: tuple[Field, ...], options: Options) -> Format:
    settings = RawOptions(options.get(_RAW_CHARSET), options.get(_RAW_ENDIANNESS) == "little-endian")
    if len(columns) != 1:
        names = ", ".join(item.name for item in columns)
        raise options.error(f"the raw format takes a single physical column, but there are {len(columns)}: {names}")
    if columns[0].type.kind not in _RAW_KINDS:
        raise options.error(f"the raw format cannot hold column '{columns[0].name}' of type {columns[0].type.name}")
    return Format("raw", lambda _: RawDecoder(columns[0], settings), lambda: RawEncoder(columns[0], settings))


_FORMATS: dict[str, Callable[[tuple[Field, ...], Options], Format]] = {
    "avro": open_avro,
    "csv": _csv,
    "json": open_json,
    "raw": _raw,
}
_CHANGELOGS = {"canal-json": open_canal, "debezium-json": open_debezium, "maxwell-json": open_maxwell}
"""Formats whose records say what has become of a row."""
_OPTIONS: Mapping[str, tuple[Option[Any], ...]] = {
    "csv": (
        _CSV_DELIMITER,
        _CSV_NO_QUOTE,
        _CSV_QUOTE,
        _CSV_COMMENTS,
        _CSV_IGNORE,
        _CSV_ARRAYS,
        _CSV_ESCAPE,
        _CSV_NULL,
        _CSV_SCIENTIFIC,
    ),
    "avro": AVRO_OPTIONS,
    "canal-json": CANAL_OPTIONS,
    "debezium-json": DEBEZIUM_OPTIONS,
    "json": JSON_OPTIONS,
    "maxwell-json": CHANGELOG_OPTIONS,
    "raw": (_RAW_CHARSET, _RAW_ENDIANNESS),
}
