"""The formats that are JSON: `json`, and those of change data capture, with Flink's options.

Source: Flink, "JSON Format", "Debezium Format", "Canal Format", "Maxwell Format".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from riacho.formats.change_events import CANAL, DEBEZIUM, MAXWELL, Shape
from riacho.formats.changelog_json import ChangelogJsonDecoder, ChangelogJsonEncoder, Inclusion, envelope_fields
from riacho.formats.decoding import ChangeEncoder, Decoder, Encoder
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.format import Format, refuse
from riacho.formats.json_decoder import JsonDecoder
from riacho.formats.json_encoder import DROP, FAIL, LITERAL, JsonEncoder
from riacho.formats.options import Option, Options, boolean, one_of, text
from riacho.formats.values import Rules
from riacho.kernels import text_times

_SQL, _ISO, _OFFSET = "SQL", "ISO-8601", "ISO-8601-WITH-OFFSET"


def _pattern(value: str) -> re.Pattern[str] | None:
    try:
        return re.compile(value)
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from None


MISSING = Option("fail-on-missing-field", boolean, default=False)
IGNORE = Option("ignore-parse-errors", boolean, default=False)
TIMESTAMPS = Option("timestamp-format.standard", one_of(_SQL, _ISO, _OFFSET), default=_SQL)
NULL_KEY = Option("map-null-key.mode", one_of(FAIL, DROP, LITERAL), default=FAIL)
NULL_LITERAL = Option("map-null-key.literal", text, default="null")
PLAIN = Option("encode.decimal-as-plain-number", boolean, default=False)
NO_NULLS = Option("encode.ignore-null-fields", boolean, default=False)
PARSER = Option("decode.json-parser.enabled", boolean, default=True)
"""Taken for Flink's sake: there is one parser here."""
SCHEMA_INCLUDE = Option("schema-include", boolean, default=False)
DATABASES: Option[re.Pattern[str] | None] = Option("database.include", _pattern, None)
TABLES: Option[re.Pattern[str] | None] = Option("table.include", _pattern, None)

CHANGELOG_OPTIONS = (IGNORE, TIMESTAMPS, NULL_KEY, NULL_LITERAL, PLAIN, NO_NULLS)
"""Those of every format of change data capture."""
JSON_OPTIONS = (MISSING, *CHANGELOG_OPTIONS, PARSER)
DEBEZIUM_OPTIONS = (SCHEMA_INCLUDE, *CHANGELOG_OPTIONS)
CANAL_OPTIONS = (*CHANGELOG_OPTIONS, DATABASES, TABLES)


@dataclass(frozen=True, slots=True)
class _Conversions:
    """How values are read and written."""

    rules: Rules
    encoder: Callable[[Sequence[Field]], JsonEncoder]


def open_json(columns: tuple[Field, ...], options: Options) -> Format:
    """Objects whose members are the columns. Raises `OptionError`."""
    missing, ignore = options.get(MISSING), options.get(IGNORE)
    options.get(PARSER)
    if missing and ignore:
        raise options.error("fail-on-missing-field and ignore-parse-errors shouldn't both be true")
    conversions = _conversions(columns, options)
    by_name = {item.name: item for item in columns}

    def decoder(wanted: Sequence[str]) -> Decoder:
        return JsonDecoder(
            [by_name[name] for name in wanted],
            rules=conversions.rules,
            fail_on_missing_field=missing,
            ignore_parse_errors=ignore,
        )

    return Format("json", decoder, lambda: conversions.encoder(columns))


def open_debezium(columns: tuple[Field, ...], options: Options, metadata: Mapping[str, str]) -> Format:
    """Debezium's events; with `schema-include` below a member `payload`. Raises `OptionError`."""
    wrapped = options.get(SCHEMA_INCLUDE)
    shape = replace(DEBEZIUM, payload=("payload",)) if wrapped else DEBEZIUM
    opened = _open_changes(shape, columns, options, metadata)
    if not wrapped:
        return opened
    problem = options.wrong(SCHEMA_INCLUDE, "a schema cannot be written: leave it out of a table that is written")

    def refused() -> ChangelogJsonEncoder:
        raise problem

    return replace(opened, encoder=refused, change_encoder=refused)


def open_maxwell(columns: tuple[Field, ...], options: Options, metadata: Mapping[str, str]) -> Format:
    """Maxwell's events. Raises `OptionError`."""
    return _open_changes(MAXWELL, columns, options, metadata)


def open_canal(columns: tuple[Field, ...], options: Options, metadata: Mapping[str, str]) -> Format:
    """Canal's events, of the databases and tables that are included. Raises `OptionError`."""
    patterns = (("database", options.get(DATABASES)), ("table", options.get(TABLES)))
    inclusions = [Inclusion(member, pattern) for member, pattern in patterns if pattern is not None]
    return _open_changes(CANAL, columns, options, metadata, inclusions)


def _open_changes(
    shape: Shape,
    columns: tuple[Field, ...],
    options: Options,
    metadata: Mapping[str, str],
    inclusions: Sequence[Inclusion] = (),
) -> Format:
    ignore = options.get(IGNORE)
    conversions = _conversions(columns, options)
    by_name = {item.name: item for item in columns}

    def decoder(wanted: Sequence[str]) -> Decoder:
        return ChangelogJsonDecoder(
            shape,
            [by_name[name] for name in wanted if name in by_name],
            rules=conversions.rules,
            ignore_parse_errors=ignore,
            inclusions=inclusions,
            metadata={name: metadata[name] for name in wanted if name not in by_name},
        )

    def change_encoder() -> ChangeEncoder:
        return ChangelogJsonEncoder(shape, conversions.encoder(envelope_fields(shape, columns)))

    def encoder() -> Encoder:
        return ChangelogJsonEncoder(shape, conversions.encoder(envelope_fields(shape, columns)))

    return Format(shape.name, decoder, encoder, change_encoder)


def _conversions(columns: Sequence[Field], options: Options) -> _Conversions:
    """Those that the options ask for, of columns that JSON can hold."""
    standard, null_key = options.get(TIMESTAMPS), options.get(NULL_KEY)
    literal, plain, no_nulls = options.get(NULL_LITERAL), options.get(PLAIN), options.get(NO_NULLS)
    for item in columns:
        refuse(item, item.type, options, {Kind.MAP}, _is_text_keyed, "JSON: the key of a MAP must be a STRING")
    iso = standard != _SQL
    rules = Rules(
        timestamp_style=text_times.ISO_STYLE if iso else text_times.SQL_STYLE,
        timestamp_zone=text_times.OFFSET_ZONE if standard == _OFFSET else text_times.NO_ZONE,
        ltz_zone=text_times.OFFSET_ZONE if standard == _OFFSET else text_times.UTC_ZONE,
        strict_timestamps=iso,
    )

    def encoder(fields: Sequence[Field]) -> JsonEncoder:
        return JsonEncoder(
            fields,
            iso_timestamps=iso,
            offset=standard == _OFFSET,
            map_null_key=null_key,
            map_null_literal=literal,
            plain_decimals=plain,
            ignore_null_fields=no_nulls,
        )

    return _Conversions(rules, encoder)


def _is_text_keyed(kind: FieldType) -> bool:
    return kind.children[0].type.kind is Kind.STRING
