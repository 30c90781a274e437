"""What formats of change data capture know of an event beside its row, as metadata of a Kafka table's value.

Source: Flink, "Debezium Format", "Canal Format", "Maxwell Format": Available Metadata.
"""

from __future__ import annotations

from collections.abc import Mapping

from riacho.plan.tables import ColumnKind, Table
from riacho.plan.types import INT, STRING, ArrayType, DataType, MapType, TimestampLtzType

PREFIX = "value."
"""What stands before a key of the value's format, for the connector has keys of its own."""

_INSTANT = TimestampLtzType(3)

FORMAT_METADATA: Mapping[str, Mapping[str, DataType]] = {
    "debezium-json": {
        "schema": STRING,
        "ingestion-timestamp": _INSTANT,
        "source.timestamp": _INSTANT,
        "source.database": STRING,
        "source.schema": STRING,
        "source.table": STRING,
        "source.properties": MapType(STRING, STRING),
    },
    "canal-json": {
        "database": STRING,
        "table": STRING,
        "sql-type": MapType(STRING, INT),
        "pk-names": ArrayType(STRING),
        "ingestion-timestamp": _INSTANT,
        "event-timestamp": _INSTANT,
    },
    "maxwell-json": {
        "database": STRING,
        "table": STRING,
        "primary-key-columns": ArrayType(STRING),
        "ingestion-timestamp": _INSTANT,
    },
}


def readable_from(format_name: str) -> dict[str, DataType]:
    """The metadata of a value in this format, by the keys that a table uses."""
    return {f"{PREFIX}{key}": kind for key, kind in FORMAT_METADATA.get(format_name, {}).items()}


def columns_of_format(table: Table, format_name: str) -> dict[str, str]:
    """The table's columns that hold metadata of the value's format, and the format's keys."""
    known = readable_from(format_name)
    keys = {
        column.name: column.metadata_key or column.name
        for column in table.columns
        if column.kind is ColumnKind.METADATA
    }
    return {name: key.removeprefix(PREFIX) for name, key in keys.items() if key in known}
