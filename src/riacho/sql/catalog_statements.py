"""CREATE, ALTER, DROP and USE of catalogs and databases. Source: Flink, "Catalogs", the pages of these statements."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from riacho.sql.catalog import DEFAULT_CATALOG, Catalog, Database, NamedCatalog
from riacho.sql.errors import did_you_mean, listed
from riacho.sql.source import SourceText
from riacho.sql.statements import CatalogStatement, OptionClause

IN_MEMORY = "generic_in_memory"
"""The only type of catalog."""

_FIRST_DATABASE = "default-database"
_UNNAMED = "default"
"""What it is called where no option names it."""


@dataclass(slots=True)
class CatalogStatements:
    """Runs the statements of one script. Raises `SqlError`."""

    source: SourceText
    catalog: Catalog

    def run(self, statement: CatalogStatement) -> None:
        of_catalog = statement.kind == "CATALOG"
        match statement.verb:
            case "CREATE":
                self._create_catalog(statement) if of_catalog else self._create_database(statement)
            case "DROP":
                self._drop_catalog(statement) if of_catalog else self._drop_database(statement)
            case "ALTER":
                self._alter_catalog(statement) if of_catalog else self._alter_database(statement)
            case "USE":
                self._use_catalog(statement) if of_catalog else self._use_database(statement)

    # ---- catalogs ---------------------------------------------------------------------------------------------

    def _create_catalog(self, statement: CatalogStatement) -> None:
        name = statement.name.name
        if name in self.catalog.catalogs:
            if not statement.condition:
                self.source.fail(f"catalog '{name}' exists already", statement.name, "write IF NOT EXISTS")
            return
        options = _given(statement.options)
        kind = options.get("type")
        if kind is None:
            self.source.fail("the option 'type' is missing", statement.name, f"write WITH ('type' = '{IN_MEMORY}')")
        if kind != IN_MEMORY:
            place = next(option.value for option in statement.options if option.key.this == "type")
            self.source.fail(f"there are no catalogs of type '{kind}'", place, f"the only type is '{IN_MEMORY}'")
        for option in statement.options:
            if option.key.this not in ("type", _FIRST_DATABASE):
                self.source.fail(f"a catalog has no option '{option.key.this}'", option.key)
        first = options.get(_FIRST_DATABASE, _UNNAMED)
        self.catalog.catalogs[name] = NamedCatalog({first: Database()}, first, options, statement.comment)

    def _find_catalog(self, name: str, place: exp.Expr) -> NamedCatalog:
        found = self.catalog.catalogs.get(name)
        if found is None:
            known = did_you_mean(name, self.catalog.catalogs) or f"the catalogs are {listed(self.catalog.catalogs)}"
            self.source.fail(f"catalog '{name}' does not exist", place, known)
        return found

    def _drop_catalog(self, statement: CatalogStatement) -> None:
        name = statement.name.name
        if statement.condition and name not in self.catalog.catalogs:
            return
        self._find_catalog(name, statement.name)
        if name == self.catalog.current_catalog:
            self.source.fail(f"catalog '{name}' is in use", statement.name, "write USE CATALOG and another first")
        del self.catalog.catalogs[name]

    def _alter_catalog(self, statement: CatalogStatement) -> None:
        found = self._find_catalog(statement.name.name, statement.name)
        for key in (*(option.key for option in statement.options), *statement.keys):
            if key.this == "type":
                self.source.fail("the option 'type' of a catalog cannot be changed", key)
            if key.this != _FIRST_DATABASE:
                self.source.fail(f"a catalog has no option '{key.this}'", key)
        found.options.update(_given(statement.options))
        for key in statement.keys:
            found.options.pop(str(key.this), None)
        self._move_first_database(statement.name.name, found)
        if statement.comment is not None:
            found.comment = statement.comment

    def _move_first_database(self, name: str, catalog: NamedCatalog) -> None:
        """Let the catalog begin in the database that its options name; the one before goes where it holds nothing."""
        before, first = catalog.default_database, catalog.options.get(_FIRST_DATABASE, _UNNAMED)
        if name == DEFAULT_CATALOG or first == before:
            return
        catalog.databases.setdefault(first, Database())
        catalog.default_database = first
        if (name, before) != self.catalog.current and not catalog.databases[before].objects:
            del catalog.databases[before]

    def _use_catalog(self, statement: CatalogStatement) -> None:
        found = self._find_catalog(statement.name.name, statement.name)
        self.catalog.current_catalog = statement.name.name
        self.catalog.current_database = found.default_database

    # ---- databases --------------------------------------------------------------------------------------------

    def _catalog_of(self, name: exp.Table) -> tuple[str, NamedCatalog]:
        given = name.args.get("db")
        catalog_name = given.name if given is not None else self.catalog.current[0]
        return catalog_name, self._find_catalog(catalog_name, given or name)

    def find_database(self, name: exp.Table) -> tuple[str, NamedCatalog, Database]:
        """The database of a name that may lack its catalog, that catalog, and its name."""
        catalog_name, catalog = self._catalog_of(name)
        found = catalog.databases.get(name.name)
        if found is None:
            known = did_you_mean(name.name, catalog.databases) or f"the databases are {listed(catalog.databases)}"
            self.source.fail(f"database '{name.name}' does not exist in {catalog_name}", name, known)
        return catalog_name, catalog, found

    def _create_database(self, statement: CatalogStatement) -> None:
        _, catalog = self._catalog_of(statement.name)
        name = statement.name.name
        if name in catalog.databases:
            if not statement.condition:
                self.source.fail(f"database '{name}' exists already", statement.name, "write IF NOT EXISTS")
            return
        catalog.databases[name] = Database(comment=statement.comment, properties=_given(statement.options))

    def _drop_database(self, statement: CatalogStatement) -> None:
        catalog_name, catalog = self._catalog_of(statement.name)
        name = statement.name.name
        if statement.condition and name not in catalog.databases:
            return
        _, _, found = self.find_database(statement.name)
        if (catalog_name, name) == self.catalog.current:
            self.source.fail(f"database '{name}' is in use", statement.name, "write USE and another first")
        if name == catalog.default_database:
            self.source.fail(f"'{name}' is the default database of {catalog_name}", statement.name)
        functions = self.catalog.functions
        within = [path for path in (*functions.permanent, *functions.temporary) if path[:2] == (catalog_name, name)]
        if (found.objects or within) and not statement.cascade:
            holds = listed([*found.objects, *(path[2] for path in within)])
            self.source.fail(f"database '{name}' is not empty: it holds {holds}", statement.name, "write CASCADE")
        for path in within:
            functions.permanent.pop(path, None)
            functions.temporary.pop(path, None)
        del catalog.databases[name]

    def _alter_database(self, statement: CatalogStatement) -> None:
        _, _, found = self.find_database(statement.name)
        found.properties.update(_given(statement.options))

    def _use_database(self, statement: CatalogStatement) -> None:
        catalog_name, _, _ = self.find_database(statement.name)
        self.catalog.current_catalog = catalog_name
        self.catalog.current_database = statement.name.name


def _given(options: tuple[OptionClause, ...]) -> dict[str, str]:
    return {str(option.key.this): str(option.value.this) for option in options}
