"""Joins in FROM: their kinds and conditions. Source: Flink, "Joins"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from riacho.plan.expressions import Column, Expression, conjunction
from riacho.plan.passes.interval_join import recognize_interval_joins
from riacho.plan.relations import Join, JoinKind, Project, unique_names
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.functions import FunctionError, bind
from riacho.sql.scope import Scope, ScopeColumn
from riacho.sql.source import SourceText, start_of
from riacho.sql.subqueries import SubqueryBinder, holds_subquery
from riacho.sql.temporal_joins import TemporalJoinBinder
from riacho.sql.unnesting import Unnesting

_KINDS = {
    ("", ""): JoinKind.INNER,
    ("", "INNER"): JoinKind.INNER,
    ("", "CROSS"): JoinKind.INNER,
    **{(side, outer): JoinKind[side] for side in ("LEFT", "RIGHT", "FULL") for outer in ("", "OUTER")},
}


@dataclass(slots=True)
class JoinBinder:
    """Binds the joins of one FROM clause."""

    source: SourceText
    subqueries: SubqueryBinder

    def bind(self, left: Scope, right: Scope, join: exp.Join) -> Scope:
        """Both sides joined as `join` says. Raises `SqlError`."""
        kind = self._kind(join)
        for table in right.tables:
            if table in left.tables:
                self.source.fail(f"two tables in FROM are called '{table}'", join.this, "give one of them an alias")
        nested = join.this.args.get("joins")
        if nested:
            self.source.fail("a join without its condition", join.this)
        shared = self._shared(left, right, join)
        using = frozenset(name.name for name in shared)
        temporal = TemporalJoinBinder(self.source)
        time = temporal.bind(left, right.relation, join, kind)
        relation = Join(left.relation, right.relation, kind, (), (), time=time)
        condition = join.args.get("on")
        if condition is not None:
            # The condition sees both rows before either is padded.
            both = Scope.joined(replace(relation, kind=JoinKind.INNER), left, right, frozenset())
            inner = kind is JoinKind.INNER
            binder = ExpressionBinder(
                self.source,
                both,
                "ON" if inner else f"the ON of a {kind.value} JOIN",
                subqueries=self.subqueries if inner else None,
            )
            residual = binder.predicate(condition)
            if holds_subquery(residual):
                return replace(both, relation=Unnesting(self.source).filtered(relation, residual))
        elif using:
            width = len(left.relation.schema)
            residual = conjunction(tuple(self._equal(left, right, name, width) for name in shared))
        else:
            if join.args.get("kind") != "CROSS" and join.args.get("method") != "NATURAL":
                self.source.fail("the join needs a condition: ON … or USING (…)", join.this)
            temporal.check(relation, join)
            return Scope.joined(relation, left, right, frozenset())
        temporal.check(replace(relation, residual=residual), join)
        joined = recognize_interval_joins(replace(relation, residual=residual))
        scope = Scope.joined(joined, left, right, using)
        return self._merged(scope, shared) if using and kind.keeps_right else scope

    def _kind(self, join: exp.Join) -> JoinKind:
        method, side, kind = (str(join.args.get(key) or "") for key in ("method", "side", "kind"))
        found = _KINDS.get((side, kind))
        if found is None or method not in ("", "NATURAL"):
            self.source.fail(f"{' '.join(filter(None, (method, side, kind)))} JOIN is not supported", join.this)
        return found

    def _shared(self, left: Scope, right: Scope, join: exp.Join) -> list[exp.Expr]:
        """The columns of USING, or of NATURAL: those that both sides have."""
        if join.args.get("method") != "NATURAL":
            return list(join.args.get("using") or [])
        if join.args.get("on") is not None or join.args.get("using"):
            self.source.fail("a NATURAL JOIN takes no condition", join.this, "leave NATURAL or the condition out")
        names = dict.fromkeys(column.name for column in left.columns if not column.merged)
        start = start_of(join.this)
        return [
            exp.to_identifier(name, quoted=True).update_positions(start=start) for name in names if right.named(name)
        ]

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

    def _merged(self, scope: Scope, shared: list[exp.Expr]) -> Scope:
        """The columns of USING as whichever side has them, where the left one may be padded."""
        below = scope.relation.schema
        fields: list[Expression] = [below.column(index) for index in range(len(below))]
        columns = list(scope.columns)
        for name in shared:
            sides = [column for column in scope.columns if column.name == name.name]
            left = next(column for column in sides if not column.merged)
            right = next(column for column in reversed(sides) if column.merged)
            columns[columns.index(left)] = replace(left, merged=True)
            columns.append(ScopeColumn(name.name, None, len(fields)))
            either = (below.column(left.index), below.column(right.index))
            fields.append(bind("COALESCE", either, self.source.locate(name)))
        names = unique_names([*below.names, *(name.name for name in shared)])
        return Scope(Project(scope.relation, tuple(fields), tuple(names)), tuple(columns))
