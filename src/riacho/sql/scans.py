"""Reading a table: its scan, computed columns and watermark, as steps of the plan."""

from __future__ import annotations

from collections.abc import Mapping

from riacho.plan.expressions import Expression
from riacho.plan.relations import Alignment, Normalize, Project, Relation, Scan, Schema, Watermark
from riacho.plan.table_changes import Changes, source_changes
from riacho.plan.tables import ColumnKind, Table
from riacho.sql.option_values import duration_ms

IDLE_TIMEOUT_OF_TABLE = "scan.watermark.idle-timeout"
IDLE_TIMEOUT_OF_SESSION = "table.exec.source.idle-timeout"
ALIGNMENT = "scan.watermark.alignment"
CDC_EVENTS_DUPLICATE = "table.exec.source.cdc-events-duplicate"


def scan(table: Table, options: Mapping[str, str]) -> Relation:
    """All columns of the table, in order, as the row time's watermark follows them. `options` are those of SET.

    ```sql
    CREATE TABLE t (a INT, b AS a + 1, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
    -- Watermark(ts, ts - 1 s) over Project(a, a + 1, ts) over Scan(a, ts)
    ```

    Raises `ValueError` for an idle time-out or an alignment that is none, and for a table without a key whose events
    repeat.
    """
    stored = tuple(column.name for column in table.stored_columns)
    relation: Relation = Scan(table, stored)
    if _is_normalized(table, options):
        relation = Normalize(relation, tuple(stored.index(name) for name in table.primary_key))
    if any(column.kind is ColumnKind.COMPUTED for column in table.columns):
        below: Schema = relation.schema
        expressions: list[Expression] = [
            below.column(column.name) if column.expression is None else column.expression for column in table.columns
        ]
        relation = Project(relation, tuple(expressions), tuple(column.name for column in table.columns))
    if table.watermark is not None:
        idle = table.option(IDLE_TIMEOUT_OF_TABLE) or options.get(IDLE_TIMEOUT_OF_SESSION) or "0"
        index = relation.schema.index(table.watermark.column)
        expression = table.watermark.expression
        relation = Watermark(relation, index, expression, duration_ms(idle), alignment_of(table))
    return relation


def alignment_of(table: Table) -> Alignment | None:
    """With which tables the table is read, and how far it may be ahead of them. Raises `ValueError`."""
    group, drift, update = (table.option(f"{ALIGNMENT}.{key}") for key in ("group", "max-drift", "update-interval"))
    if group is None and drift is None and update is None:
        return None
    if not group or drift is None:
        missing, given = ("group", "max-drift") if not group else ("max-drift", "group")
        raise ValueError(
            f"the table '{table.name}' needs the option '{ALIGNMENT}.{missing}' beside '{ALIGNMENT}.{given}'"
        )
    return Alignment(group, duration_ms(drift), duration_ms(update or "1 s"))


def _is_normalized(table: Table, options: Mapping[str, str]) -> bool:
    """Whether the table's changes must be told apart from repeated ones, by its primary key."""
    changes = source_changes(table)
    repeated = changes is Changes.RETRACT and options.get(CDC_EVENTS_DUPLICATE) == "true"
    if repeated and not table.primary_key:
        raise ValueError(
            f"the table '{table.name}' needs a PRIMARY KEY: '{CDC_EVENTS_DUPLICATE}' = 'true' tells repeated events "
            "apart by it"
        )
    return repeated or changes is Changes.UPSERT
