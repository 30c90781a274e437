"""What in FROM reads the tables before it: UNNEST, table functions and lateral queries. Source: Flink, "Joins"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from riacho.plan.expressions import Expression, conjunction, conjuncts
from riacho.plan.relations import Join, JoinKind, Relation, Unnest, element_names, element_type
from riacho.plan.types import ArrayType, MapType, MultisetType, RowType
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.functions import FunctionError
from riacho.sql.scope import NO_NAMES, Scope, ScopeColumn
from riacho.sql.source import SourceText
from riacho.sql.subqueries import SubqueryBinder
from riacho.sql.unnesting import Unnesting
from riacho.sql.user_functions import UserFunction, marked
from riacho.user_functions.declarations import Kind

ORDINALITY = "ORDINALITY"
"""The name of the place in a collection, where the alias names none."""


def is_lateral(tree: exp.Expr) -> bool:
    """Whether a table of FROM reads those before it."""
    return isinstance(tree, exp.Table) and isinstance(tree.this, exp.Lateral | exp.Unnest)


def _is_true(condition: exp.Expr | None) -> bool:
    return isinstance(condition, exp.Boolean) and bool(condition.this)


@dataclass(slots=True)
class LateralBinder:
    """Binds the lateral tables of one FROM clause."""

    source: SourceText
    subqueries: SubqueryBinder

    def bind(self, left: Scope | None, tree: exp.Expr, join: exp.Join | None) -> Scope:
        """The rows of `left`, each with those that the lateral table has for it. Raises `SqlError`."""
        scope = replace(NO_NAMES, outer=None) if left is None else left
        kind = JoinKind.INNER if join is None else self._kind(join)
        condition = None if join is None else join.args.get("on")
        if kind is JoinKind.LEFT and not _is_true(condition):
            # The condition sees an element before the row is padded.
            return self._left_by(self._joined(scope, tree, JoinKind.INNER), condition)
        joined = self._joined(scope, tree, kind)
        if condition is None or kind is JoinKind.LEFT:
            return joined
        binder = ExpressionBinder(self.source, joined, "ON", subqueries=self.subqueries)
        filtered = Unnesting(self.source).filtered(joined.relation, binder.predicate(condition))
        return replace(joined, relation=filtered)

    def function(self, tree: exp.Expr) -> Scope:
        """The rows of a table function that reads no table: `TABLE(f(…))` without LATERAL. Raises `SqlError`."""
        call = tree.this.this
        self._called(call)
        column = call.find(exp.Column)
        if column is not None:
            what = f"TABLE(…) alone reads no column, but this is '{column.name}'"
            self.source.fail(what, column, "write LATERAL TABLE(…) to read those of the tables before it")
        return self._function(NO_NAMES, call, tree.args.get("alias"), JoinKind.INNER)

    def check_join(self, join: exp.Join) -> None:
        """Refuse the joins that Flink does not take with `TABLE(f(…))`. Raises `SqlError`."""
        if not isinstance(join.this.this, exp.TableFromRows):
            return
        side, condition = str(join.args.get("side") or ""), join.args.get("on")
        if side in ("RIGHT", "FULL"):
            self.source.fail(f"a table function takes no {side} JOIN", join.this, "put it before the other table")
        if side == "LEFT" and not _is_true(condition):
            self.source.fail("a LEFT JOIN of a table function takes ON TRUE alone", join.this, "write LATERAL TABLE(…)")

    def _joined(self, scope: Scope, tree: exp.Expr, kind: JoinKind) -> Scope:
        alias = tree.args.get("alias")
        if alias is not None and alias.name in scope.tables:
            self.source.fail(f"two tables in FROM are called '{alias.name}'", tree, "give one of them an alias")
        inner = tree.this
        if isinstance(inner, exp.Unnest):
            return self._unnest(scope, inner, alias, kind)
        if isinstance(inner.this, exp.Subquery):
            return self._query(scope, inner.this.this, alias, kind)
        return self._function(scope, inner.this, alias, kind)

    def _left_by(self, both: Scope, condition: exp.Expr | None) -> Scope:
        """A LEFT JOIN by a condition, of the scope of the INNER JOIN."""
        assert condition is not None, "a LEFT JOIN has one"
        predicate = ExpressionBinder(self.source, both, "the ON of a LEFT JOIN").predicate(condition)
        if isinstance(both.relation, Unnest):
            return replace(both, relation=replace(both.relation, outer=True, condition=predicate))
        joined = both.relation
        assert isinstance(joined, Join)
        parts = (*(() if joined.residual is None else conjuncts(joined.residual)), *conjuncts(predicate))
        return replace(both, relation=replace(joined, kind=JoinKind.LEFT, residual=conjunction(parts)))

    def _kind(self, join: exp.Join) -> JoinKind:
        side, kind = (str(join.args.get(key) or "") for key in ("side", "kind"))
        condition = join.args.get("on")
        if side == "LEFT" and kind in ("", "OUTER"):
            if condition is None:
                self.source.fail("the join needs a condition: ON TRUE", join.this)
            return JoinKind.LEFT
        if side or kind not in ("", "INNER", "CROSS") or join.args.get("method") or join.args.get("using"):
            self.source.fail("a lateral table takes a CROSS JOIN, a JOIN or a LEFT JOIN … ON", join.this)
        if condition is None and kind != "CROSS":
            self.source.fail("the join needs a condition: ON TRUE", join.this)
        return JoinKind.INNER

    # ---- collections ------------------------------------------------------------------------------------------

    def _unnest(self, left: Scope, tree: exp.Expr, alias: exp.Expr | None, kind: JoinKind) -> Scope:
        collection = ExpressionBinder(self.source, left, "UNNEST").bind(tree.expressions[0])
        if not isinstance(collection.type, ArrayType | MapType):
            what = f"UNNEST takes an ARRAY, a MAP or a MULTISET, but this is {collection.type.name()}"
            self.source.fail(what, tree.expressions[0])
        names = element_names(collection.type)
        has_fields = isinstance(collection.type, MapType) and not isinstance(collection.type, MultisetType)
        has_fields = has_fields or isinstance(element_type(collection.type), RowType)
        if not has_fields and alias is not None:
            names = (alias.name,)
        return self._laid_out(left, collection, alias, names, kind, ordinality=bool(tree.args.get("offset")))

    def _laid_out(
        self,
        left: Scope,
        collection: Expression,
        alias: exp.Expr | None,
        own: tuple[str, ...],
        kind: JoinKind,
        *,
        ordinality: bool,
    ) -> Scope:
        names = self._names(alias, (*own, ORDINALITY) if ordinality else own)
        relation = Unnest(left.relation, collection, ordinality, kind is JoinKind.LEFT, names)
        return self._scope(left, relation, alias, names)

    def _function(self, left: Scope, call: exp.Expr, alias: exp.Expr | None, kind: JoinKind) -> Scope:
        function, user = self._called(call)
        binder = ExpressionBinder(self.source, left, user.name)
        try:
            rows = binder.table_call(function, user)
        except FunctionError as error:
            self.source.fail(error.what, error.position or call, error.mend)
        return self._laid_out(left, rows, alias, element_names(rows.type), kind, ordinality=False)

    def _called(self, call: exp.Expr) -> tuple[exp.Anonymous, UserFunction]:
        """The call without the database before its name, and the table function that it means."""
        bare = call.args["expression"] if isinstance(call, exp.Dot) else call
        user = marked(bare)
        if user is None or user.kind is not Kind.TABLE or not isinstance(bare, exp.Anonymous):
            name = bare.name if isinstance(bare, exp.Anonymous) else "this"
            self.source.fail(f"{name} is no table function", bare, "make one: CREATE FUNCTION … LANGUAGE PYTHON")
        return bare, user

    # ---- queries ----------------------------------------------------------------------------------------------

    def _query(self, left: Scope, tree: exp.Expr, alias: exp.Expr | None, kind: JoinKind) -> Scope:
        query = self.subqueries.lateral(tree, ExpressionBinder(self.source, left, "LATERAL"))
        names = self._names(alias, query.query.schema.names)
        relation = Unnesting(self.source).lateral(left.relation, query, kind)
        return self._scope(left, relation, alias, names)

    # ---- names ------------------------------------------------------------------------------------------------

    def _names(self, alias: exp.Expr | None, own: tuple[str, ...]) -> tuple[str, ...]:
        columns = () if alias is None else tuple(column.name for column in alias.args.get("columns") or [])
        if columns and len(columns) != len(own):
            self.source.fail(f"the alias names {len(columns)} columns, but there are {len(own)}", alias or 0)
        if len(set(columns)) < len(columns):
            self.source.fail("the alias names a column twice", alias or 0)
        return columns or own

    @staticmethod
    def _scope(left: Scope, relation: Relation, alias: exp.Expr | None, names: tuple[str, ...]) -> Scope:
        width = len(left.relation.schema)
        table = None if alias is None else alias.name
        added = tuple(ScopeColumn(name, table, width + place) for place, name in enumerate(names))
        return Scope(relation, (*left.columns, *added), left.outer)
