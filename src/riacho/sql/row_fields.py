"""`r.*`: the fields of a ROW as columns of their own, each under its field's name. `r['x']` and `r[1]`: one of them."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from riacho.plan.expressions import Expression, Literal
from riacho.plan.types import RowType
from riacho.sql.functions import FunctionError
from riacho.sql.scope import Scope
from riacho.sql.source import SourceText


def row_fields(
    tree: exp.Expr, scope: Scope, bind: Callable[[exp.Expr], Expression], source: SourceText
) -> list[tuple[str, Expression]] | None:
    """What `r.*`, `t.r.*` or `r.inner.*` stands for: (name, value) of each field; None for anything else.

    `bind` binds a path as it may be written. Raises `SqlError` where the path is no ROW.
    """
    path = _path(tree)
    if path is None:
        return None
    first = path[0]
    if len(path) == 1 and not scope.named(first.name):
        tables = ", ".join(scope.tables) or "none"
        source.fail(f"there is no table '{first.name}' in FROM", first, f"the tables are {tables}")
    row = bind(_named(path))
    if not isinstance(row.type, RowType):
        source.fail(f"'.*' needs a table or a ROW, and this is {row.type.name()}", first)
    return [(field.name, bind(_named([*path, _beside(first, field.name)]))) for field in row.type]


def field_at(row: RowType, index: Expression, tree: exp.Expr) -> exp.Identifier:
    """The field's name that stands between brackets, or whose number does. Raises `FunctionError`."""
    names = [field.name for field in row]
    value = index.value if isinstance(index, Literal) else None
    if isinstance(value, int) and not isinstance(value, bool) and value in range(1, len(names) + 1):
        value = names[value - 1]
    if not isinstance(value, str):
        raise FunctionError(
            "a field of a ROW is taken by its name or its number, as a literal",
            mend=f"its fields are {', '.join(names)}",
            position=index.position,
        )
    found = exp.to_identifier(value, quoted=True)
    found.meta.update(tree.meta)
    return found


def _path(tree: exp.Expr) -> list[exp.Expr] | None:
    """The names before `.*`."""
    if isinstance(tree, exp.Dot) and isinstance(tree.args["expression"], exp.Star):
        return _names(tree.this) or None
    if isinstance(tree, exp.Column) and isinstance(tree.this, exp.Star):
        return _names(tree) or None
    return None


def _names(tree: exp.Expr) -> list[exp.Expr]:
    if isinstance(tree, exp.Dot):
        return [*_names(tree.this), tree.args["expression"]]
    parts = (tree.args.get(key) for key in ("catalog", "db", "table", "this"))
    return [part for part in parts if isinstance(part, exp.Identifier)]


def _named(path: list[exp.Expr]) -> exp.Expr:
    """A path as the parser makes it: a column of up to four parts, and dots behind it."""
    parts = [part.copy() for part in path]
    column: exp.Expr = exp.Column(**dict(zip(("this", "table", "db", "catalog"), reversed(parts[:4]), strict=False)))
    for part in parts[4:]:
        column = exp.Dot(this=column, expression=part)
    return column


def _beside(place: exp.Expr, name: str) -> exp.Identifier:
    """A name at the place of another one, where a mistake is shown."""
    made = exp.Identifier(this=name, quoted=True)
    made.meta.update(place.meta)
    return made
