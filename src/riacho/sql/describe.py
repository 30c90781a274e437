"""The texts of SHOW and DESCRIBE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from riacho.plan.relations import Relation, TimeAttribute
from riacho.plan.tables import ColumnKind, Table, TableColumn


def show(kind: str, names: Iterable[str]) -> str:
    """The names in order, under a heading.

    >>> print(show("VIEWS", ["b", "a"]))
    view name
    ---------
    a
    b
    """
    return _grid((f"{kind.lower()[:-1]} name",), [(name,) for name in sorted(names)])


def describe_table(table: Table) -> str:
    """A line per column: name, type, nullability, key, what it is made of, watermark."""
    rows = []
    for column in table.columns:
        watermark = table.watermark
        marked = watermark is not None and watermark.column == column.name
        time = f" *{TimeAttribute.ROWTIME.value}*" if marked else ""
        key = f"PRI({', '.join(table.primary_key)})" if column.name in table.primary_key else ""
        rows.append(
            (
                column.name,
                column.type.name() + time,
                str(column.type.nullable).upper(),
                key,
                _extras(column),
                str(watermark.expression) if marked and watermark is not None else "",
            )
        )
    return _grid(("name", "type", "null", "key", "extras", "watermark"), rows)


def describe_view(relation: Relation) -> str:
    """A line per column of a view."""
    rows = [(item.name, item.type.name(), str(item.type.nullable).upper()) for item in relation.schema]
    return _grid(("name", "type", "null"), rows)


def _extras(column: TableColumn) -> str:
    if column.kind is ColumnKind.COMPUTED:
        return f"AS {column.expression}"
    if column.kind is ColumnKind.METADATA:
        source = "" if column.metadata_key == column.name else f" FROM '{column.metadata_key}'"
        return f"METADATA{source}{' VIRTUAL' if column.virtual else ''}"
    return ""


def _grid(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[index]) for row in (heading, *rows)) for index in range(len(heading))]
    lines = [heading, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
