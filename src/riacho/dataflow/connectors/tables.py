"""A table's WITH options, ready to be read and checked, and what connectors ask of a table together."""

from __future__ import annotations

from collections.abc import Mapping

from riacho.formats.options import Option, Options, duration
from riacho.plan.tables import ColumnKind, Table
from riacho.plan.types import (
    ArrayType,
    DataType,
    IntegerType,
    MapType,
    TimestampLtzType,
    TimestampType,
    VarcharType,
)


def _word(value: str) -> str | None:
    return value


_CONNECTOR: Option[str | None] = Option("connector", _word, None)
_IDLE_TIMEOUT: Option[str | None] = Option("scan.watermark.idle-timeout", _word, None)
_ALIGNMENT_GROUP: Option[str | None] = Option("scan.watermark.alignment.group", _word, None)
_ALIGNMENT_TIMES = tuple(
    Option(f"scan.watermark.alignment.{key}", duration, default)
    for key, default in (("max-drift", 0), ("update-interval", 1_000))
)
_EMIT_STRATEGY: Option[str | None] = Option("scan.watermark.emit.strategy", _word, None)


def options_of(table: Table) -> Options:
    """The options of a table. Those that the planner reads count as known."""
    options = Options(f"table {table.name}", dict(table.options), where=table.origin)
    options.get(_CONNECTOR)
    options.get(_IDLE_TIMEOUT)
    options.get(_ALIGNMENT_GROUP)
    for time in _ALIGNMENT_TIMES:
        options.get(time)
    strategy = options.get(_EMIT_STRATEGY)
    if strategy not in (None, "on-event", "on-periodic"):
        raise options.wrong(_EMIT_STRATEGY, "must be 'on-event' or 'on-periodic'")
    return options


def check_metadata(options: Options, table: Table, known: Mapping[str, DataType]) -> None:
    """What a connector knows of a record is declared with its type. Raises `OptionError`."""
    for column in table.columns:
        if column.kind is not ColumnKind.METADATA:
            continue
        key = column.metadata_key or column.name
        if key not in known:
            raise options.error(
                f"column '{column.name}': '{table.connector}' has no metadata '{key}'",
                mend=f"metadata: {', '.join(known)}",
            )
        if not _holds(column.type, known[key]):
            raise options.error(
                f"column '{column.name}': the metadata '{key}' is a {known[key].name()}, not a {column.type.name()}",
                mend=f"declare it {known[key].name()}, and CAST it in a computed column or a query",
            )


def _holds(declared: DataType, actual: DataType) -> bool:
    """Whether a column of the declared type can hold the metadata: other integers can, and timestamps as fine."""
    match actual:
        case IntegerType():
            return isinstance(declared, IntegerType)
        case TimestampLtzType():
            return isinstance(declared, TimestampType | TimestampLtzType) and declared.precision >= actual.precision
        case ArrayType():
            return isinstance(declared, ArrayType) and declared.element.same_as(actual.element)
        case MapType():
            return isinstance(declared, MapType) and all(
                one.same_as(other) for one, other in ((declared.key, actual.key), (declared.value, actual.value))
            )
        case VarcharType():
            return declared.same_as(actual)
    raise AssertionError(f"no rule for metadata of type {actual}")
