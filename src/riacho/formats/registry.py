"""Formats by name: the options that each takes, named as Flink's, and the decoder or encoder that they describe."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riacho.formats.csv_decoder import CsvDecoder, CsvDialect
from riacho.formats.csv_encoder import CsvEncoder
from riacho.formats.decoding import Decoder, Encoder
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.json_decoder import JsonDecoder
from riacho.formats.json_encoder import DROP, FAIL, LITERAL, JsonEncoder
from riacho.formats.options import Option, Options, boolean, one_of, text
from riacho.formats.raw import RawDecoder, RawEncoder, RawOptions
from riacho.formats.values import Rules
from riacho.kernels import text_times


@dataclass(frozen=True, slots=True)
class Format:
    """A format with its options read and its columns checked.

    `decoder(wanted)` decodes the named columns only; `encoder()` writes all of them, in order.
    """

    name: str
    decoder: Callable[[Sequence[str]], Decoder]
    encoder: Callable[[], Encoder]
    line_quote: str | None = None
    """The character between two of which a file's line does not end."""


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return tuple(sorted(_FORMATS))


def option_names(name: str) -> frozenset[str]:
    """The keys of a format's options, without the format's name before them."""
    return frozenset(option.key for option in _OPTIONS[name])


def open_format(name: str, columns: Sequence[Field], options: Options) -> Format:
    """The format `name` of these columns. `options` sees the format's own keys, without `json.`.

    Raises `OptionError` for an unknown format, a wrong value, or a column that the format cannot hold.
    """
    if name not in _FORMATS:
        raise options.error(f"unknown format '{name}'", mend=f"formats: {', '.join(formats())}")
    return _FORMATS[name](tuple(columns), options.within(f"{name}."))


_SQL, _ISO, _OFFSET = "SQL", "ISO-8601", "ISO-8601-WITH-OFFSET"

_JSON_MISSING = Option("fail-on-missing-field", boolean, default=False)
_JSON_IGNORE = Option("ignore-parse-errors", boolean, default=False)
_JSON_TIMESTAMPS = Option("timestamp-format.standard", one_of(_SQL, _ISO, _OFFSET), default=_SQL)
_JSON_NULL_KEY = Option("map-null-key.mode", one_of(FAIL, DROP, LITERAL), default=FAIL)
_JSON_NULL_LITERAL = Option("map-null-key.literal", text, default="null")
_JSON_PLAIN = Option("encode.decimal-as-plain-number", boolean, default=False)
_JSON_NO_NULLS = Option("encode.ignore-null-fields", boolean, default=False)
_JSON_PARSER = Option("decode.json-parser.enabled", boolean, default=True)
"""Taken for Flink's sake: there is one parser here."""


def _json(columns: tuple[Field, ...], options: Options) -> Format:
    missing, ignore = options.get(_JSON_MISSING), options.get(_JSON_IGNORE)
    standard, null_key = options.get(_JSON_TIMESTAMPS), options.get(_JSON_NULL_KEY)
    literal, plain = options.get(_JSON_NULL_LITERAL), options.get(_JSON_PLAIN)
    no_nulls = options.get(_JSON_NO_NULLS)
    options.get(_JSON_PARSER)
    if missing and ignore:
        raise options.error("fail-on-missing-field and ignore-parse-errors shouldn't both be true")
    for item in columns:
        _refuse(item, item.type, options, {Kind.MAP}, _is_text_keyed, "JSON: the key of a MAP must be a STRING")
    iso = standard != _SQL
    rules = Rules(
        timestamp_style=text_times.ISO_STYLE if iso else text_times.SQL_STYLE,
        timestamp_zone=text_times.OFFSET_ZONE if standard == _OFFSET else text_times.NO_ZONE,
        ltz_zone=text_times.OFFSET_ZONE if standard == _OFFSET else text_times.UTC_ZONE,
        strict_timestamps=iso,
    )
    by_name = {item.name: item for item in columns}

    def decoder(wanted: Sequence[str]) -> Decoder:
        return JsonDecoder(
            [by_name[name] for name in wanted],
            rules=rules,
            fail_on_missing_field=missing,
            ignore_parse_errors=ignore,
        )

    def encoder() -> Encoder:
        return JsonEncoder(
            columns,
            iso_timestamps=iso,
            offset=standard == _OFFSET,
            map_null_key=null_key,
            map_null_literal=literal,
            plain_decimals=plain,
            ignore_null_fields=no_nulls,
        )

    return Format("json", decoder, encoder)


def _is_text_keyed(kind: FieldType) -> bool:
    return kind.children[0].type.kind is Kind.STRING


def _refuse(
    item: Field,
    kind: FieldType,
    options: Options,
    kinds: set[Kind],
    fits: Callable[[FieldType], bool],
    complaint: str,
) -> None:
    """Raise for a type, however deep inside the column, that the format cannot hold."""
    if kind.kind in kinds and not fits(kind):
        raise options.error(f"column '{item.name}' of type {kind.name}: {complaint}")
    for child in kind.children:
        _refuse(item, child.type, options, kinds, fits, complaint)


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
        _refuse(item, item.type, options, {Kind.MAP}, lambda _: False, "CSV cannot hold a MAP")
        _refuse(item, item.type, options, {Kind.TIME}, _is_milliseconds, "CSV holds TIME up to TIME(3)")
    return Format(
        "csv",
        lambda wanted: CsvDecoder(columns, wanted, dialect, ignore_parse_errors=ignore),
        lambda: CsvEncoder(columns, dialect, scientific_decimals=scientific),
        dialect.quote,
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


_FORMATS: dict[str, Callable[[tuple[Field, ...], Options], Format]] = {"csv": _csv, "json": _json, "raw": _raw}
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
    "json": (
        _JSON_MISSING,
        _JSON_IGNORE,
        _JSON_TIMESTAMPS,
        _JSON_NULL_KEY,
        _JSON_NULL_LITERAL,
        _JSON_PLAIN,
        _JSON_NO_NULLS,
        _JSON_PARSER,
    ),
    "raw": (_RAW_CHARSET, _RAW_ENDIANNESS),
}
