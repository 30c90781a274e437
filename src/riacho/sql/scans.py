"""Reading a table: its scan, computed columns and watermark, as steps of the plan."""

from __future__ import annotations

from collections.abc import Mapping

from riacho.plan.expressions import Expression
from riacho.plan.relations import Normalize, Project, Relation, Scan, Schema, Watermark
from riacho.plan.tables import ColumnKind, Table
from riacho.sql.options import duration_ms

IDLE_TIMEOUT_OF_TABLE = "scan.watermark.idle-timeout"
IDLE_TIMEOUT_OF_SESSION = "table.exec.source.idle-timeout"


def scan(table: Table, options: Mapping[str, str]) -> Relation:
    """All columns of the table, in order, as the row time's watermark follows them. `options` are those of SET.

    ```sql
    CREATE TABLE t (a INT, b AS a + 1, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
    -- Watermark(ts, ts - 1 s) over Project(a, a + 1, ts) over Scan(a, ts)
    ```

    Raises `ValueError` for an idle time-out that is no duration.
    """
    stored = tuple(column.name for column in table.stored_columns)
    relation: Relation = Scan(table, stored)
    if table.connector == "upsert-kafka":
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
        relation = Watermark(relation, index, table.watermark.expression, duration_ms(idle))
    return relation
