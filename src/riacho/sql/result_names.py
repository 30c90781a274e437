"""The names that the columns of a query have in its text."""

from __future__ import annotations

from sqlglot import exp


def written_names(tree: exp.Expr) -> tuple[str, ...] | None:
    """The names that a query gives its columns, one of them twice, as they are written; None where none is.

    The names that a star stands for are told apart by a number; those that are written are not.

    >>> from sqlglot import parse_one
    >>> written_names(parse_one("SELECT a, b AS a, c FROM t")), written_names(parse_one("SELECT a, t.* FROM t"))
    (('a', 'a', 'c'), None)
    """
    while isinstance(tree, exp.SetOperation | exp.Subquery):
        tree = tree.this
    if not isinstance(tree, exp.Select) or any(part.is_star for part in tree.expressions):
        return None
    names = [own_name(part) or f"EXPR${index}" for index, part in enumerate(tree.expressions)]
    return tuple(names) if len(set(names)) < len(names) else None


def own_name(tree: exp.Expr) -> str | None:
    """The name that an expression of SELECT brings: its alias, a column's or a field's."""
    if isinstance(tree, exp.Alias):
        return tree.alias
    if isinstance(tree, exp.Column):
        return tree.name
    if isinstance(tree, exp.Dot):
        return str(tree.args["expression"].name)
    return None
