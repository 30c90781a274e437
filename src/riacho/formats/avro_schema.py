"""The Avro schema of a table's columns. Source: Flink, "Avro Format: Data Type Mapping" (AvroSchemaConverter)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.options import Options

RECORD = "org.apache.flink.avro.generated.record"
"""What Flink calls the record; nested ones have their fields' names behind it."""

MILLIS, MICROS = 3, 6

Schema = Any
"""A part of a schema as JSON has it: a text, a list or an object."""


def avro_schema(columns: Sequence[Field], *, legacy: bool, logical: bool) -> Schema:
    """The record of these columns. `logical`: with what their numbers and bytes mean.

    `legacy` is Flink's mapping of timestamps of before 1.19.
    """
    return _record(columns, RECORD, legacy=legacy, logical=logical)


def _record(columns: Sequence[Field], name: str, *, legacy: bool, logical: bool) -> Schema:
    fields = []
    for item in columns:
        made: dict[str, Any] = {"name": item.name}
        made["type"] = _nullable(item.type, f"{name}_{item.name}", legacy=legacy, logical=logical)
        if item.type.nullable:
            made["default"] = None
        fields.append(made)
    return {"type": "record", "name": name, "fields": fields}


def _nullable(kind: FieldType, name: str, *, legacy: bool, logical: bool) -> Schema:
    schema = _schema(kind, name, legacy=legacy, logical=logical)
    return ["null", schema] if kind.nullable else schema


def _schema(kind: FieldType, name: str, *, legacy: bool, logical: bool) -> Schema:
    match kind.kind:
        case Kind.BOOLEAN:
            return "boolean"
        case Kind.INTEGER:
            return "long" if kind.bits == 64 else "int"
        case Kind.FLOAT:
            return "float" if kind.bits == 32 else "double"
        case Kind.STRING:
            return "string"
        case Kind.BYTES:
            return "bytes"
        case Kind.ROW:
            return _record(kind.children, name, legacy=legacy, logical=logical)
        case Kind.ARRAY:  # Flink forgets the mapping of timestamps below arrays and maps
            return {"type": "array", "items": _nullable(kind.children[0].type, name, legacy=True, logical=logical)}
        case Kind.MAP:
            return {"type": "map", "values": _nullable(kind.children[1].type, name, legacy=True, logical=logical)}
    base, meaning = _logical(kind, legacy=legacy)
    if not logical:
        return base
    if kind.kind is Kind.DECIMAL:
        return {"type": base, "logicalType": meaning, "precision": kind.precision, "scale": kind.scale}
    return {"type": base, "logicalType": meaning}


def _logical(kind: FieldType, *, legacy: bool) -> tuple[str, str]:
    """What holds a value, and what it means."""
    match kind.kind:
        case Kind.DECIMAL:
            return "bytes", "decimal"
        case Kind.DATE:
            return "int", "date"
        case Kind.TIME:
            return "int", "time-millis"
    unit = "millis" if kind.precision <= MILLIS else "micros"
    local = kind.kind is Kind.TIMESTAMP and not legacy
    return "long", f"{'local-' if local else ''}timestamp-{unit}"


def check_types(columns: Sequence[Field], options: Options, *, legacy: bool) -> None:
    """Raise `OptionError` for a column that has no Avro type."""
    for item in columns:
        complaint, mend = _complaint(item.type, legacy=legacy)
        if complaint:
            raise options.error(f"column '{item.name}' of type {item.type.name}: {complaint}", mend=mend)


_NEW_MAPPING = "set 'avro.timestamp_mapping.legacy' = 'false'"


def _complaint(kind: FieldType, *, legacy: bool) -> tuple[str, str | None]:
    """Why a type cannot be held, however deep inside, and what to do; nothing where it can."""
    match kind.kind:
        case Kind.INTEGER if kind.name.startswith("INTERVAL"):
            return "Avro has no intervals", None
        case Kind.TIME if kind.precision > MILLIS:
            return "Avro holds TIME up to TIME(3)", None
        case Kind.TIMESTAMP_LTZ if legacy:
            return "Avro has no such instant in the mapping of before Flink 1.19", _NEW_MAPPING
        case Kind.TIMESTAMP if legacy and kind.precision > MILLIS:
            return "Avro holds TIMESTAMP up to TIMESTAMP(3)", f"{_NEW_MAPPING}, or declare TIMESTAMP(3)"
        case Kind.MAP if kind.children[0].type.kind is not Kind.STRING:
            return "the keys of Avro's maps are text", None
    below = legacy or kind.kind in (Kind.ARRAY, Kind.MAP)
    for child in kind.children:
        complaint, mend = _complaint(child.type, legacy=below)
        if complaint:
            return complaint, None if below and not legacy else mend
    return "", None
