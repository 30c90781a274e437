"""The tables and views of a session."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from riacho.plan.relations import Relation
from riacho.plan.tables import Table
from riacho.sql.errors import did_you_mean, listed
from riacho.sql.source import SourceText
from riacho.sql.user_functions import FunctionCatalog

DEFAULT_CATALOG = "default_catalog"
DEFAULT_DATABASE = "default_database"


@dataclass(frozen=True, slots=True)
class View:
    """A named query, bound when it was created."""

    name: str
    relation: Relation


@dataclass(slots=True)
class Catalog:
    """Names are case-sensitive, as in Flink; tables and views share them."""

    tables: dict[str, Table] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    functions: FunctionCatalog = field(default_factory=FunctionCatalog)

    @property
    def current(self) -> tuple[str, str]:
        """The catalog and the database in which names without them are looked for."""
        return DEFAULT_CATALOG, DEFAULT_DATABASE

    def __contains__(self, name: str) -> bool:
        return name in self.tables or name in self.views

    def find(self, tree: exp.Table, source: SourceText) -> Table | View:
        """The table or view of this name. Raises `SqlError` with the nearest one."""
        name = local_name(tree, source)
        found = self.tables.get(name) or self.views.get(name)
        if found is None:
            known = [*self.tables, *self.views]
            fallback = f"the tables are {listed(known)}" if known else "no table was created before"
            source.fail(f"table '{name}' does not exist", tree, did_you_mean(name, known) or fallback)
        return found

    def find_table(self, tree: exp.Table, source: SourceText) -> Table:
        """The same, of what can be written to."""
        found = self.find(tree, source)
        if isinstance(found, View):
            source.fail(f"'{found.name}' is a view, which cannot be written to", tree)
        return found


def local_name(tree: exp.Table, source: SourceText) -> str:
    """The table's own name. There is one catalog and one database, which may be named."""
    for key, only in (("catalog", DEFAULT_CATALOG), ("db", DEFAULT_DATABASE)):
        given = tree.args.get(key)
        if given is not None and given.name != only:
            kind = "catalog" if key == "catalog" else "database"
            source.fail(f"{kind} '{given.name}' does not exist", given, f"the only {kind} is {only}")
    return tree.name
