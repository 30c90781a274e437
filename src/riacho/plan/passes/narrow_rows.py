"""Only those fields of a ROW that somebody reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from riacho.plan.expressions import Call, Column, Expression, Literal, rewrite
from riacho.plan.relations import Project, Relation, Scan, Schema
from riacho.plan.types import RowType

Path = tuple[str, ...]
"""Names of fields within fields; without any it is the whole ROW."""


def narrow_rows(relation: Relation) -> Relation:
    """Read only the fields of a ROW that the projection over its scan takes.

    ```sql
    SELECT r.a FROM t  -- t (r ROW<a INT, b INT>)
    SELECT r.a FROM t  -- t (r ROW<a INT>)
    ```

    Only where fields are found by their names: those of a CSV record count by their places. The plans of one job have
    equal projections over the scan of one table, so that it stays one scan.
    """
    inputs = tuple(narrow_rows(part) for part in relation.inputs)
    if any(new is not old for new, old in zip(inputs, relation.inputs, strict=True)):
        relation = relation.with_inputs(inputs)
    if isinstance(relation, Project) and isinstance(relation.input, Scan) and _has_named_fields(relation.input):
        return _narrowed(relation, relation.input)
    return relation


_BY_NAME = frozenset({"json", "parquet"})
"""The formats that name the fields of their ROWs."""


def _has_named_fields(scan: Scan) -> bool:
    if scan.table.connector == "nexmark":
        return True
    formats = {scan.table.option(key) for key in ("format", "value.format", "key.format")} - {None}
    return bool(formats) and formats <= _BY_NAME


def _narrowed(project: Project, scan: Scan) -> Relation:
    used: dict[int, set[Path]] = {}
    for expression in project.expressions:
        _collect(expression, used)
    types = {
        item.name: _narrower(item.type, used[index])
        for index, item in enumerate(scan.schema)
        if isinstance(item.type, RowType) and index in used and () not in used[index]
    }
    columns = tuple(
        replace(column, type=types[column.name]) if column.name in types else column for column in scan.table.columns
    )
    if columns == scan.table.columns:
        return project
    below = replace(scan, table=replace(scan.table, columns=columns))
    expressions = tuple(_retyped(part, below.schema) for part in project.expressions)
    return replace(project, input=below, expressions=expressions)


def _collect(expression: Expression, used: dict[int, set[Path]]) -> None:
    """Add what an expression reads of each column."""
    path: Path = ()
    part = expression
    while isinstance(part, Call) and part.function == "FIELD":
        path = (_field_name(part), *path)
        part = part.arguments[0]
    if isinstance(part, Column):
        used.setdefault(part.index, set()).add(path)
        return
    for operand in expression.operands:
        _collect(operand, used)


def _field_name(field: Call) -> str:
    name = field.arguments[1]
    assert isinstance(name, Literal)
    return str(name.value)


def _narrower(row: RowType, paths: Iterable[Path]) -> RowType:
    kept = []
    for item in row:
        below = {path[1:] for path in paths if path[0] == item.name}
        if isinstance(item.type, RowType) and below and () not in below:
            kept.append(replace(item, type=_narrower(item.type, below)))
        elif below:
            kept.append(item)
    return replace(row, fields=tuple(kept))


def _retyped(expression: Expression, schema: Schema) -> Expression:
    """Columns with the types that the scan gives them now, and the fields of fields with theirs."""

    def rule(part: Expression) -> Expression:
        if isinstance(part, Column):
            return replace(part, type=schema[part.index].type)
        if isinstance(part, Call) and part.function == "FIELD" and isinstance(part.type, RowType):
            row = part.arguments[0].type
            assert isinstance(row, RowType)
            item = next(item for item in row if item.name == _field_name(part))
            return replace(part, type=item.type.with_nullable(part.type.nullable))
        return part

    return rewrite(expression, rule)
