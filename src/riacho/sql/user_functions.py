"""The functions that CREATE FUNCTION made: by name, in the order in which Flink looks.

Source: Flink, "Functions: Function Reference": temporary system functions, built-in ones, temporary ones, catalog ones;
a name with its database is never a system function. Names are not case-sensitive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from sqlglot import exp

from riacho.sql.functions import FunctionDefinition, is_aggregate, is_function
from riacho.sql.statements import Statement
from riacho.user_functions.declarations import Kind

Path = tuple[str, str, str]
"""Catalog, database and name."""

MARK = "function"
"""Where a call's node carries the `UserFunction` that its name means."""


@dataclass(frozen=True, slots=True)
class UserFunction:
    """A function as CREATE FUNCTION described it. `definition` types its calls, whatever its kind."""

    name: str
    kind: Kind
    definition: FunctionDefinition
    target: str
    language: str
    temporary: bool

    def __deepcopy__(self, memo: dict[int, Any]) -> UserFunction:
        """A copied tree means the same function, whose state is not to be copied."""
        return self


@dataclass(slots=True)
class FunctionCatalog:
    """Temporary system functions by name, the others by path, all names in lower case."""

    system: dict[str, UserFunction] = field(default_factory=dict)
    temporary: dict[Path, UserFunction] = field(default_factory=dict)
    permanent: dict[Path, UserFunction] = field(default_factory=dict)

    def find(self, names: tuple[str, ...], current: tuple[str, str]) -> UserFunction | None:
        """The user's function that a call means; None where it means a built-in one, or none."""
        name = names[-1].lower()
        if len(names) == 1:
            if name in self.system:
                return self.system[name]
            if is_function(name) or is_aggregate(name):
                return None
        path = self.path(names, current)
        return self.temporary.get(path) or self.permanent.get(path)

    @staticmethod
    def path(names: tuple[str, ...], current: tuple[str, str]) -> Path:
        """The full path of a name that may lack its catalog or database."""
        catalog, database, name = (*current, *names)[-3:] if len(names) == 1 else (*current[:1], *names)[-3:]
        return catalog, database, name.lower()

    def names(self, current: tuple[str, str]) -> list[str]:
        """What SHOW USER FUNCTIONS lists."""
        here = [path[2] for path in (*self.temporary, *self.permanent) if path[:2] == current]
        return sorted({*self.system, *here})


DATABASE = "database"
"""Where a call of CURRENT_DATABASE carries the answer."""


def mark_functions(statement: Statement, functions: FunctionCatalog, current: tuple[str, str]) -> None:
    """Note at each call in the statement which user's function it means, so that the binders need not know them.

    At CURRENT_DATABASE() the database is noted, of which they know as little.
    """
    for tree in _trees(statement):
        for node in tree.find_all(exp.Anonymous):
            if node.name.upper() == "CURRENT_DATABASE":
                node.meta[DATABASE] = current[1]
            found = functions.find((*_qualifiers(node), node.name), current)
            if found is not None:
                node.meta[MARK] = found


def marked(tree: exp.Expr) -> UserFunction | None:
    """The user's function that a call means."""
    found = tree.meta.get(MARK)
    return found if isinstance(found, UserFunction) else None


def _qualifiers(call: exp.Anonymous) -> tuple[str, ...]:
    """The database, and maybe the catalog, before a function's name."""
    names: list[str] = []
    dot = call.parent
    if not isinstance(dot, exp.Dot) or dot.args.get("expression") is not call:
        return ()
    part = dot.this
    while isinstance(part, exp.Dot):
        names.insert(0, part.args["expression"].name)
        part = part.this
    return (part.name, *names)


def _trees(part: object) -> Iterator[exp.Expr]:
    """The parsed expressions anywhere in a statement."""
    if isinstance(part, exp.Expr):
        yield part
    elif isinstance(part, tuple):
        for item in part:
            yield from _trees(item)
    elif hasattr(part, "__dataclass_fields__"):
        for item in fields(part):  # type: ignore[arg-type]
            yield from _trees(getattr(part, item.name))
