"""A plan evaluated row by row in plain Python: slow, obvious, for comparing plans with each other and with DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from riacho.plan.expressions import AggregateCall, Call, Case, Cast, Column, Expression, Literal
from riacho.plan.relations import (
    Aggregate,
    Filter,
    Join,
    JoinKind,
    MultiJoin,
    Normalize,
    Project,
    Relation,
    Replicate,
    Scan,
    Union,
    Values,
)

Row = tuple[Any, ...]
Rows = list[Row]


def rows_of(relation: Relation, tables: Mapping[str, Rows]) -> Rows:
    """The relation's rows, given each table's rows in the order of its stored columns."""
    match relation:
        case Scan():
            names = [column.name for column in relation.table.stored_columns]
            indexes = [names.index(name) for name in relation.fields]
            return [tuple(row[index] for index in indexes) for row in tables[relation.table.name]]
        case Normalize():
            return rows_of(relation.input, tables)
        case Values():
            return [tuple(item.value for item in row) for row in relation.rows]
        case Filter():
            return [row for row in rows_of(relation.input, tables) if value(relation.predicate, row) is True]
        case Project():
            return [tuple(value(part, row) for part in relation.expressions) for row in rows_of(relation.input, tables)]
        case Replicate():
            return [row[:-1] for row in rows_of(relation.input, tables) for _ in range(row[-1])]
        case Union():
            return [row for branch in relation.branches for row in rows_of(branch, tables)]
        case Join():
            joined = _joined(relation, rows_of(relation.left, tables), rows_of(relation.right, tables))
            return [relation.chosen(row) for row in joined]
        case MultiJoin():
            return rows_of(relation.chain, tables)
        case Aggregate():
            return _aggregated(relation, rows_of(relation.input, tables))
    raise AssertionError(f"no rule for {type(relation).__name__}")


def _joined(join: Join, left: Rows, right: Rows) -> Rows:
    matches = [[one + other for other in right if _matches(join, one, other)] for one in left]
    match join.kind:
        case JoinKind.SEMI:
            return [one for one, found in zip(left, matches, strict=True) if found]
        case JoinKind.ANTI:
            return [one for one, found in zip(left, matches, strict=True) if not found]
        case JoinKind.MARK:
            return [(*one, bool(found)) for one, found in zip(left, matches, strict=True)]
    result = [pair for found in matches for pair in found]
    if join.kind.keeps_left:
        result += [one + (None,) * len(join.right.schema) for one, m in zip(left, matches, strict=True) if not m]
    if join.kind.keeps_right:
        nothing = (None,) * len(join.left.schema)
        result += [nothing + other for other in right if not any(_matches(join, one, other) for one in left)]
    return result


def _matches(join: Join, one: Row, other: Row) -> bool:
    for place, (left, right) in enumerate(zip(join.left_keys, join.right_keys, strict=True)):
        unknown = one[left] is None and place not in join.null_safe
        if unknown or one[left] != other[right]:
            return False
    return join.residual is None or value(join.residual, one + other) is True


def _aggregated(aggregate: Aggregate, rows: Rows) -> Rows:
    groups: dict[Row, Rows] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in aggregate.keys), []).append(row)
    return [key + tuple(_called(call, members) for call in aggregate.calls) for key, members in groups.items()]


def _called(call: AggregateCall, rows: Rows) -> Any:
    if call.filter is not None:
        rows = [row for row in rows if row[call.filter.index] is True]
    if not call.arguments:
        return len(rows)
    found = [row[call.arguments[0].index] for row in rows if row[call.arguments[0].index] is not None]
    if call.distinct:
        found = list(dict.fromkeys(found))
    if call.function == "COUNT":
        return len(found)
    if not found:
        return None
    return {"SUM": sum, "MIN": min, "MAX": max}[call.function](found)


def value(expression: Expression, row: Row) -> Any:
    """What an expression gives for a row."""
    match expression:
        case Column():
            return row[expression.index]
        case Literal():
            return expression.value
        case Cast():
            return value(expression.operand, row)
        case Case():
            for condition, result in expression.branches:
                if value(condition, row) is True:
                    return value(result, row)
            return value(expression.otherwise, row)
        case Call():
            return _call(expression.function, [value(argument, row) for argument in expression.arguments])
    raise AssertionError(f"no rule for {expression}")


_STRICT: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "NOT": lambda a: not a,
    "BETWEEN": lambda a, b, c: b <= a <= c,
}


def _call(name: str, arguments: list[Any]) -> Any:
    if name == "AND":
        return False if False in arguments else None if None in arguments else True
    if name == "OR":
        return True if True in arguments else None if None in arguments else False
    if name == "IS NULL":
        return arguments[0] is None
    if name == "IS NOT NULL":
        return arguments[0] is not None
    if name == "COALESCE":
        return next((item for item in arguments if item is not None), None)
    if name == "IN":
        found = [_call("=", [arguments[0], item]) for item in arguments[1:]]
        return _call("OR", found)
    if name in ("IS DISTINCT FROM", "IS NOT DISTINCT FROM"):
        return (arguments[0] == arguments[1]) == (name == "IS NOT DISTINCT FROM")
    return None if None in arguments else _STRICT[name](*arguments)
