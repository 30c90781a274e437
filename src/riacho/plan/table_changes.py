"""What kinds of changes a table's connector and format deliver, and which they take. Source: the pages of Flink's
connectors and formats (`ScanTableSource.getChangelogMode`, `DynamicTableSink.getChangelogMode`).
"""

from __future__ import annotations

from enum import Enum

from riacho.plan.tables import Table

CHANGELOG_FORMATS = frozenset({"canal-json", "debezium-json", "maxwell-json"})
"""Formats whose records say what becomes of a row."""

_UPSERTING = frozenset({"upsert-kafka", "blackhole"})
_APPENDING = frozenset({"kafka", "filesystem", "datagen"})


class Changes(Enum):
    """The kinds of changes of a table: rows are added; replaced and deleted by key; or told with their old values."""

    APPEND = "append"
    UPSERT = "upsert"
    RETRACT = "retract"


def value_format(table: Table) -> str | None:
    """The format of a table's rows."""
    return table.option("format") or table.option("value.format")


def source_changes(table: Table) -> Changes:
    """What a table delivers when it is read."""
    if table.connector == "upsert-kafka":
        return Changes.UPSERT
    return Changes.RETRACT if value_format(table) in CHANGELOG_FORMATS else Changes.APPEND


def sink_changes(table: Table) -> Changes:
    """What a table asks for when it is written: one that upserts has no use for old values."""
    if table.connector in _UPSERTING:
        return Changes.UPSERT
    if table.connector in _APPENDING and value_format(table) not in CHANGELOG_FORMATS:
        return Changes.APPEND
    return Changes.RETRACT
