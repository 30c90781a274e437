"""The catalogs of a session, kept in memory: their databases, and in these tables and views.

Source: Flink, "Catalogs" (`generic_in_memory`). Names are case-sensitive; tables and views share them; a temporary one
hides a permanent one of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from sqlglot import exp

from riacho.plan.relations import Relation
from riacho.plan.tables import Table
from riacho.sql.errors import did_you_mean, listed
from riacho.sql.source import SourceText
from riacho.sql.statements import TableDefinition
from riacho.sql.user_functions import FunctionCatalog

DEFAULT_CATALOG = "default_catalog"
DEFAULT_DATABASE = "default_database"

Path = tuple[str, str, str]
"""Catalog, database and name."""


@dataclass(frozen=True, slots=True)
class View:
    """A named query; `text` is the query as written.

    It is bound when it is created, and anew by `bind` whenever it is used, since its tables may have changed.
    """

    name: str
    relation: Relation
    bind: Callable[[], Relation] | None = None
    text: str = ""
    comment: str | None = None
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A table and the definition that it was made from."""

    table: Table
    definition: TableDefinition
    temporary: bool = False


@dataclass(slots=True)
class Database:
    """Tables and views by name."""

    permanent: dict[str, TableEntry | View] = field(default_factory=dict)
    temporary: dict[str, TableEntry | View] = field(default_factory=dict)
    comment: str | None = None
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def objects(self) -> dict[str, TableEntry | View]:
        """What a name means here, sorted by name."""
        return dict(sorted({**self.permanent, **self.temporary}.items()))


@dataclass(slots=True)
class NamedCatalog:
    """The databases of one catalog."""

    databases: dict[str, Database]
    default_database: str
    options: dict[str, str] = field(default_factory=dict)
    comment: str | None = None


def _first_catalog() -> dict[str, NamedCatalog]:
    return {DEFAULT_CATALOG: NamedCatalog({DEFAULT_DATABASE: Database()}, DEFAULT_DATABASE)}


@dataclass(slots=True)
class Catalog:
    """All catalogs, the current one, and its current database, in which names without them are looked for."""

    catalogs: dict[str, NamedCatalog] = field(default_factory=_first_catalog)
    current_catalog: str | None = DEFAULT_CATALOG
    current_database: str | None = DEFAULT_DATABASE
    functions: FunctionCatalog = field(default_factory=FunctionCatalog)
    expanding: list[View] = field(default_factory=list)
    """The views that are being bound, each by the query of the one before it."""

    def expanded(self, view: View) -> Relation:
        """What a view means now; in a circle of views, what it meant when it was created."""
        if view.bind is None or any(known is view for known in self.expanding):
            return view.relation
        self.expanding.append(view)
        try:
            return view.bind()
        finally:
            self.expanding.pop()

    @contextmanager
    def within(self, current: tuple[str, str]) -> Iterator[None]:
        """Within it names without catalog or database are looked for there."""
        before = self.current_catalog, self.current_database
        self.current_catalog, self.current_database = current
        try:
            yield
        finally:
            self.current_catalog, self.current_database = before

    @property
    def current(self) -> tuple[str, str]:
        return self.current_catalog or DEFAULT_CATALOG, self.current_database or DEFAULT_DATABASE

    @property
    def objects(self) -> dict[str, TableEntry | View]:
        """The tables and views of the current database."""
        catalog = self.catalogs.get(self.current[0])
        database = None if catalog is None else catalog.databases.get(self.current[1])
        return {} if database is None else database.objects

    @property
    def tables(self) -> Mapping[str, Table]:
        return {name: found.table for name, found in self.objects.items() if isinstance(found, TableEntry)}

    @property
    def views(self) -> Mapping[str, View]:
        return {name: found for name, found in self.objects.items() if isinstance(found, View)}

    def names(self) -> Iterator[str]:
        """What may be written for the tables and views that there are: the current database's by their own names."""
        yield from self.objects
        for catalog_name, catalog in self.catalogs.items():
            for database_name, database in catalog.databases.items():
                here = catalog_name == self.current[0]
                if not here or database_name != self.current[1]:
                    prefix = database_name if here else f"{catalog_name}.{database_name}"
                    yield from (f"{prefix}.{name}" for name in database.objects)

    # ---- looking up -------------------------------------------------------------------------------------------

    def path(self, tree: exp.Table, source: SourceText) -> Path:
        """The full path that a name means. Raises `SqlError` where its catalog or database does not exist."""
        given = tree.args.get("catalog"), tree.args.get("db")
        catalog_name = given[0].name if given[0] is not None else self.current_catalog
        catalog = self.catalogs.get(catalog_name or "")
        if catalog is None or catalog_name is None:
            self._no_catalog(catalog_name, given[0] or tree, source)
        database_name = given[1].name if given[1] is not None else self.current_database
        if database_name is None:
            source.fail("there is no current database", tree, "write USE and a database, or database.table")
        if database_name not in catalog.databases:
            known = did_you_mean(database_name, catalog.databases) or f"the databases are {listed(catalog.databases)}"
            source.fail(f"database '{database_name}' does not exist in {catalog_name}", given[1] or tree, known)
        return catalog_name, database_name, tree.name

    def _no_catalog(self, name: str | None, place: exp.Expr, source: SourceText) -> NoReturn:
        if name is None:
            source.fail("there is no current catalog", place, "write USE CATALOG and its name")
        known = did_you_mean(name, self.catalogs) or f"the catalogs are {listed(self.catalogs)}"
        source.fail(f"catalog '{name}' does not exist", place, known)

    def database(self, path: Path) -> Database:
        return self.catalogs[path[0]].databases[path[1]]

    def get(self, tree: exp.Table, source: SourceText) -> TableEntry | View | None:
        """What a name means, if anything. Raises `SqlError` where its catalog or database does not exist."""
        path = self.path(tree, source)
        return self.database(path).objects.get(path[2])

    def entry(self, tree: exp.Table, source: SourceText) -> TableEntry | View:
        """The table or view of this name. Raises `SqlError` with the nearest one."""
        found = self.get(tree, source)
        if found is None:
            known = list(self.names())
            fallback = f"the tables are {listed(known)}" if known else "no table was created before"
            source.fail(f"table '{dotted(tree)}' does not exist", tree, did_you_mean(dotted(tree), known) or fallback)
        return found

    def find(self, tree: exp.Table, source: SourceText) -> Table | View:
        """The same, as queries need it."""
        found = self.entry(tree, source)
        return found if isinstance(found, View) else found.table

    def find_table(self, tree: exp.Table, source: SourceText) -> Table:
        """The same, of what can be written to."""
        found = self.find(tree, source)
        if isinstance(found, View):
            source.fail(f"'{found.name}' is a view, which cannot be written to", tree)
        return found

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Within it tables and views may be made, altered and dropped: afterwards they are as before."""
        databases = [database for catalog in self.catalogs.values() for database in catalog.databases.values()]
        before = [(database, dict(database.permanent), dict(database.temporary)) for database in databases]
        try:
            yield
        finally:
            for database, permanent, temporary in before:
                database.permanent, database.temporary = permanent, temporary

    def put(self, path: Path, entry: TableEntry | View) -> None:
        """Make or replace a table or view."""
        database = self.database(path)
        (database.temporary if entry.temporary else database.permanent)[path[2]] = entry


def dotted(tree: exp.Table) -> str:
    """A table's name as it was written."""
    parts = (tree.args.get("catalog"), tree.args.get("db"))
    return ".".join([*(part.name for part in parts if part is not None), tree.name])
