"""FROM: tables, views, subqueries, window table functions and joins become relations with the names they bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from riacho.plan.expressions import Column, Expression, Literal, conjunction
from riacho.plan.relations import (
    Field,
    Join,
    JoinKind,
    Project,
    Relation,
    TimeAttribute,
    Values,
    WindowKind,
    WindowTable,
)
from riacho.plan.tables import Table
from riacho.plan.types import INT, DayTimeIntervalType
from riacho.sql.catalog import Catalog, View, local_name
from riacho.sql.errors import did_you_mean, listed
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.functions import FunctionError, bind
from riacho.sql.hints import CheckTable, with_hint
from riacho.sql.scans import scan
from riacho.sql.scope import Scope
from riacho.sql.source import SourceText

NO_TABLE = Values((Field("ZERO", INT.with_nullable(False)),), ((Literal(INT.with_nullable(False), 0),),))
"""What a query without FROM reads: one row, whose field no name reaches."""

NO_NAMES = Scope(NO_TABLE, ())
"""What an expression without FROM may use."""

_PARAMETERS = {
    "TUMBLE": ("DATA", "TIMECOL", "SIZE", "OFFSET"),
    "HOP": ("DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"),
}


@dataclass(slots=True)
class FromBinder:
    """Binds one FROM clause. `subquery` binds a query in parentheses; `queries` are those of WITH."""

    source: SourceText
    catalog: Catalog
    options: Mapping[str, str]
    subquery: Callable[[exp.Expr, Mapping[str, Relation]], Relation]
    check_table: CheckTable | None = None
    queries: Mapping[str, Relation] = field(default_factory=dict)

    def bind(self, tree: exp.Expr, joins: list[exp.Expr]) -> Scope:
        """The relation of a table factor and its joins. Raises `SqlError`."""
        scope = self._factor(tree)
        for join in [*(tree.args.get("joins") or []), *joins]:
            assert isinstance(join, exp.Join)
            scope = self._join(scope, join)
        return scope

    # ---- factors ----------------------------------------------------------------------------------------------

    def _factor(self, tree: exp.Expr) -> Scope:
        alias = tree.args.get("alias")
        if isinstance(tree, exp.Subquery):
            if isinstance(tree.this, exp.Table):  # a join in parentheses
                if alias is not None:
                    self.source.fail("a join in parentheses cannot have an alias", alias)
                return self.bind(tree.this, [])
            return self._named(self.subquery(tree.this, self.queries), alias, None)
        if isinstance(tree, exp.Values):
            bare = tree.copy()
            bare.set("alias", None)
            return self._named(self.subquery(bare, self.queries), alias, None)
        if isinstance(tree, exp.Table):
            if isinstance(tree.this, exp.Anonymous):
                return self._named(self._window_table(tree.this), alias, None)
            if isinstance(tree.this, exp.Values | exp.Subquery):
                inner = tree.this if isinstance(tree.this, exp.Values) else tree.this.this
                return self._named(self.subquery(inner, self.queries), alias, None)
            return self._named(self._table(tree), alias, tree.name)
        raise self.source.error(f"{type(tree).__name__.upper()} in FROM is not supported", tree)

    def _named(self, relation: Relation, alias: exp.Expr | None, name: str | None) -> Scope:
        if alias is None:
            return Scope.of(relation, name)
        columns = tuple(column.name for column in alias.args.get("columns") or [])
        if columns and len(columns) != len(relation.schema):
            self.source.fail(f"the alias names {len(columns)} columns, but the table has {len(relation.schema)}", alias)
        if len(set(columns)) < len(columns):
            self.source.fail("the alias names a column twice", alias)
        if columns:
            return Scope.of(renamed(relation, columns), alias.name)
        return Scope.of(relation, alias.name)

    def _table(self, tree: exp.Table) -> Relation:
        hint = tree.meta.get("hint")
        if not tree.args.get("db") and tree.name in self.queries:
            if hint is not None:
                self.source.fail("a query of WITH takes no options", tree)
            return self.queries[tree.name]
        found = self.catalog.find(tree, self.source) if self._is_known(tree) else self._missing(tree)
        if isinstance(found, View):
            if hint is not None:
                self.source.fail("a view takes no options", tree)
            return found.relation
        if hint is not None:
            text, start = hint
            found = with_hint(found, text, self.source, start, self.check_table)
        try:
            return scan(found, self.options)
        except ValueError as error:
            self.source.fail(str(error), tree)

    def _is_known(self, tree: exp.Table) -> bool:
        return local_name(tree, self.source) in self.catalog

    def _missing(self, tree: exp.Table) -> Table | View:
        known = [*self.queries, *self.catalog.tables, *self.catalog.views]
        fallback = f"the tables are {listed(known)}" if known else "no table was created before"
        self.source.fail(f"table '{tree.name}' does not exist", tree, did_you_mean(tree.name, known) or fallback)

    # ---- windows ----------------------------------------------------------------------------------------------

    def _window_table(self, call: exp.Anonymous) -> Relation:
        name = call.name
        parameters = _PARAMETERS.get(name)
        if parameters is None:
            self.source.fail(f"the window table function {name} is not supported yet", call, "TUMBLE and HOP are")
        given = self._arguments(call, parameters)
        data = given["DATA"]
        if isinstance(data, exp.Table):
            below = self._table(data)
        elif isinstance(data, exp.Subquery):
            below = self.subquery(data.this, self.queries)
        else:
            self.source.fail(f"{name} needs a table: write TABLE name", data)
        time_column = self._descriptor(name, given["TIMECOL"], below)
        durations = {
            key: self._duration(f"{name}'s {key}", given[key]) for key in ("SLIDE", "SIZE", "OFFSET") if key in given
        }
        size = durations["SIZE"]
        slide = durations.get("SLIDE", size)
        for key in ("SIZE", "SLIDE"):
            if key in durations and durations[key] <= 0:
                self.source.fail(f"{name}'s {key} must be positive", given[key])
        if size % slide:
            self.source.fail(
                f"HOP's size must be a multiple of its slide, but they are {size} ms and {slide} ms", given["SIZE"]
            )
        offset = durations.get("OFFSET", 0)
        return WindowTable(below, WindowKind[name], time_column, size, slide, offset)

    def _arguments(self, call: exp.Anonymous, parameters: tuple[str, ...]) -> dict[str, exp.Expr]:
        usage = f"write {call.name}({', '.join(parameters[:-1])}[, OFFSET])"
        if len(call.expressions) > len(parameters):
            self.source.fail(f"{call.name} takes at most {len(parameters)} arguments", call, usage)
        given: dict[str, exp.Expr] = {}
        for position, argument in enumerate(call.expressions):
            key = argument.name if isinstance(argument, exp.Kwarg) else parameters[position]
            if key not in parameters:
                self.source.fail(f"{call.name} has no parameter {key}", argument, did_you_mean(key, parameters))
            if key in given:
                self.source.fail(f"{call.name}'s {key} is given twice", argument)
            given[key] = argument.args["expression"] if isinstance(argument, exp.Kwarg) else argument
        for key in parameters[:-1]:
            if key not in given:
                self.source.fail(f"{call.name} lacks its {key}", call, usage)
        return given

    def _descriptor(self, name: str, tree: exp.Expr, below: Relation) -> int:
        columns = tree.expressions if isinstance(tree, exp.Anonymous) and tree.name.upper() == "DESCRIPTOR" else []
        if len(columns) != 1 or not isinstance(columns[0], exp.Column):
            self.source.fail(f"{name} needs the row time: write DESCRIPTOR(column)", tree)
        bound = ExpressionBinder(self.source, Scope.of(below, None), "DESCRIPTOR").bind(columns[0])
        if not isinstance(bound, Column) or below.schema[bound.index].time is not TimeAttribute.ROWTIME:
            self.source.fail(
                f"{name} needs a row time attribute, but '{columns[0].name}' is {bound.type.name()}",
                columns[0],
                "declare WATERMARK FOR that column in CREATE TABLE; joins and aggregates lose it",
            )
        return bound.index

    def _duration(self, what: str, tree: exp.Expr) -> int:
        bound = ExpressionBinder(self.source, NO_NAMES, what).bind(tree)
        if not isinstance(bound, Literal) or not isinstance(bound.type, DayTimeIntervalType):
            self.source.fail(f"{what} must be an interval of days to seconds", tree, "write INTERVAL '5' MINUTE")
        assert isinstance(bound.value, int)
        return bound.value

    # ---- joins ------------------------------------------------------------------------------------------------

    def _join(self, left: Scope, join: exp.Join) -> Scope:
        kind = self._kind(join)
        right = self._factor(join.this)
        for table in right.tables:
            if table in left.tables:
                self.source.fail(f"two tables in FROM are called '{table}'", join.this, "give one of them an alias")
        nested = join.this.args.get("joins")
        if nested:
            self.source.fail("a join without its condition", join.this)
        relation = Join(left.relation, right.relation, kind, (), ())
        using = frozenset(name.name for name in join.args.get("using") or [])
        scope = Scope.joined(relation, left, right, using)
        condition = join.args.get("on")
        if condition is not None:
            residual = ExpressionBinder(self.source, scope, "ON").predicate(condition)
        elif using:
            width = len(left.relation.schema)
            residual = conjunction(tuple(self._equal(left, right, name, width) for name in join.args["using"]))
        else:
            if join.args.get("kind") != "CROSS":
                self.source.fail("the join needs a condition: ON … or USING (…)", join.this)
            return scope
        return replace(scope, relation=replace(relation, residual=residual))

    def _kind(self, join: exp.Join) -> JoinKind:
        method, side, kind = (str(join.args.get(key) or "") for key in ("method", "side", "kind"))
        if method:
            self.source.fail(f"{method} JOIN is not supported", join.this, "write the condition after ON")
        if side == "LEFT" and kind in ("", "OUTER"):
            return JoinKind.LEFT
        if side or kind not in ("", "INNER", "CROSS"):
            self.source.fail(f"{' '.join(filter(None, (side, kind)))} JOIN is not supported yet", join.this)
        return JoinKind.INNER

    def _equal(self, left: Scope, right: Scope, name: exp.Expr, width: int) -> Expression:
        sides = []
        for scope, shift in ((left, 0), (right, width)):
            found = scope.named(name.name)
            if len(found) != 1:
                word = "is ambiguous" if found else "does not exist"
                self.source.fail(f"column '{name.name}' of USING {word} on one side of the join", name)
            data_type = scope.field(found[0]).type
            sides.append(Column(data_type, found[0].index + shift, name.name, position=self.source.locate(name)))
        try:
            return bind("=", (sides[0], sides[1]), self.source.locate(name))
        except FunctionError as error:
            self.source.fail(error.what, name, error.mend)


def renamed(relation: Relation, names: tuple[str, ...]) -> Relation:
    """The same fields under other names."""
    if names == relation.schema.names:
        return relation
    columns = tuple(relation.schema.column(index) for index in range(len(names)))
    return Project(relation, columns, names)
