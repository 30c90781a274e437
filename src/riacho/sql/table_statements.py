"""CREATE, ALTER and DROP of tables and views, against the catalog."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlglot import exp

from riacho.errors import RiachoError
from riacho.plan.relations import Relation
from riacho.plan.tables import Table
from riacho.sql.catalog import Catalog, Path, TableEntry, View, dotted
from riacho.sql.hints import CheckTable
from riacho.sql.queries import QueryBinder
from riacho.sql.source import SourceText
from riacho.sql.statements import AlterTable, AlterView, CreateTable, CreateView, Drop, Insert, TableDefinition
from riacho.sql.table_definitions import Redefinition
from riacho.sql.tables import TableBinder


@dataclass(slots=True)
class TableStatements:
    """Runs the statements of one script. Raises `SqlError`."""

    source: SourceText
    catalog: Catalog
    queries: Callable[[], QueryBinder]
    check_table: CheckTable | None

    # ---- tables -----------------------------------------------------------------------------------------------

    def create(self, statement: CreateTable) -> Insert | None:
        """CREATE TABLE; what is to run for AS and a query."""
        path = self.catalog.path(statement.table, self.source)
        known = self._known(path, temporary=statement.temporary)
        if statement.replaces:
            self._check_replaced(statement, path)
        elif known is not None:
            if statement.if_not_exists:
                return None
            what = "view" if isinstance(known, View) else "table"
            self.source.fail(
                f"{what} '{dotted(statement.table)}' exists already",
                statement.table,
                "drop it first, or write IF NOT EXISTS",
            )
        change = Redefinition(self.source, statement.start)
        definition = statement.definition
        if statement.like is not None:
            base = self.catalog.entry(statement.like.table, self.source)
            if isinstance(base, View):
                self.source.fail("LIKE takes a table, and this is a view", statement.like.table)
            definition = change.like(definition, base.definition, statement.like)
        insert = None
        if statement.query is not None:
            schema = self.queries().bind(statement.query).schema
            definition = change.of_query(definition, schema, statement.selected, statement.query)
            names = tuple(exp.to_identifier(name, quoted=True) for name in schema.names)
            insert = Insert(statement.start, statement.table, names, statement.query)
        table = self._bound(path, definition, statement.start)
        self.catalog.put(path, TableEntry(table, definition, statement.temporary))
        return insert

    def _check_replaced(self, statement: CreateTable, path: Path) -> None:
        found = self.catalog.database(path).permanent.get(path[2])
        if isinstance(found, View):
            self.source.fail(f"'{path[2]}' is a view", statement.table, "drop it first")
        if found is None and not statement.creates:
            self.catalog.entry(statement.table, self.source)

    def alter(self, statement: AlterTable) -> None:
        """ALTER TABLE."""
        found = self.catalog.get(statement.table, self.source)
        if found is None and statement.if_exists:
            return
        found = self.catalog.entry(statement.table, self.source)
        if isinstance(found, View):
            self.source.fail(f"'{found.name}' is a view", statement.table, "write ALTER VIEW")
        path = self.catalog.path(statement.table, self.source)
        if statement.new_name is not None:
            self._rename(path, statement.new_name, found)
            return
        definition = Redefinition(self.source, statement.start).altered(found.definition, statement)
        table = self._bound(path, definition, statement.start)
        self.catalog.put(path, TableEntry(table, definition, found.temporary))

    def _rename(self, path: Path, new: exp.Table, old: TableEntry | View) -> None:
        if new.args.get("db") is not None:
            self.source.fail("a new name has no database: the old one's stays", new, f"write RENAME TO {new.name}")
        target = (*path[:2], new.name)
        database = self.catalog.database(path)
        if new.name in database.objects:
            self.source.fail(f"'{new.name}' exists already", new)
        changed: TableEntry | View = (
            replace(old, name=new.name)
            if isinstance(old, View)
            else replace(old, table=replace(old.table, name=new.name))
        )
        del (database.temporary if old.temporary else database.permanent)[path[2]]
        self.catalog.put(target, changed)

    def _bound(self, path: Path, definition: TableDefinition, start: int) -> Table:
        """The table that a definition makes, its connector's options checked."""
        binder = TableBinder(self.source, path[2], definition, start)
        table = binder.bind()
        if self.check_table is not None:
            try:
                self.check_table(table)
            except RiachoError as error:
                self.source.fail(error.what, binder.place_named_in(error.what), error.mend)
        return table

    def _known(self, path: Path, *, temporary: bool) -> TableEntry | View | None:
        """What stands in the way of a new name: a temporary one hides a permanent one."""
        database = self.catalog.database(path)
        return (database.temporary if temporary else database.permanent).get(path[2])

    def drop(self, statement: Drop) -> None:
        """DROP TABLE and DROP VIEW."""
        path = self.catalog.path(statement.name, self.source)
        database = self.catalog.database(path)
        objects = database.temporary if statement.temporary else database.permanent
        found = objects.get(path[2])
        wanted = TableEntry if statement.kind == "TABLE" else View
        if isinstance(found, wanted) and not statement.temporary and path[2] in database.temporary:
            self.source.fail(
                f"a temporary {statement.kind.lower()} hides '{path[2]}'",
                statement.name,
                f"drop that first: DROP TEMPORARY {statement.kind} {path[2]}",
            )
        if isinstance(found, wanted):
            del objects[path[2]]
            return
        if found is not None:
            other = "VIEW" if statement.kind == "TABLE" else "TABLE"
            self.source.fail(
                f"'{path[2]}' is no {statement.kind.lower()}", statement.name, f"write DROP {other} {path[2]}"
            )
        if statement.if_exists:
            return
        if path[2] in database.objects:
            word = "is not temporary" if statement.temporary else "is temporary"
            way = f"DROP {'' if statement.temporary else 'TEMPORARY '}{statement.kind} {path[2]}"
            self.source.fail(f"'{path[2]}' {word}", statement.name, f"write {way}")
        self.catalog.entry(statement.name, self.source)

    # ---- views ------------------------------------------------------------------------------------------------

    def create_view(self, statement: CreateView) -> None:
        """CREATE VIEW."""
        path = self.catalog.path(statement.view, self.source)
        known = self._known(path, temporary=statement.temporary)
        if known is not None and not (statement.replace and isinstance(known, View)):
            if statement.if_not_exists:
                return
            self.source.fail(f"'{path[2]}' exists already", statement.view, "drop it first, or write IF NOT EXISTS")
        bind = self._view_of(statement.query, statement.columns, known)
        view = View(path[2], bind(), bind, statement.text, statement.comment, statement.temporary)
        self.catalog.put(path, view)

    def _view_of(
        self, query: exp.Expr, columns: tuple[exp.Identifier, ...] = (), replaced: View | None = None
    ) -> Callable[[], Relation]:
        """Binds a view's query: names are those of the present database, and a replaced view's is still its own."""
        binder, current = self.queries(), self.catalog.current
        queries = {} if replaced is None else {replaced.name: replaced.relation}
        names = tuple(column.name for column in columns)
        if not names:
            binder.refuse_repeated(query, query)

        def bind() -> Relation:
            with self.catalog.within(current):
                relation = binder.bind(query, queries)
            return binder.with_names(relation, names, columns[0]) if names else relation

        return bind

    def alter_view(self, statement: AlterView) -> None:
        """ALTER VIEW."""
        path = self.catalog.path(statement.view, self.source)
        found = self.catalog.entry(statement.view, self.source)
        if not isinstance(found, View):
            self.source.fail(f"'{path[2]}' is a table", statement.view, "write ALTER TABLE")
        if statement.new_name is not None:
            self._rename(path, statement.new_name, found)
            return
        assert statement.query is not None
        bind = self._view_of(statement.query, replaced=found)
        self.catalog.put(path, replace(found, relation=bind(), bind=bind, text=statement.text))
