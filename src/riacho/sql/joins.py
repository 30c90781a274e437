"""Joins in FROM: their kinds and conditions. Source: Flink, "Joins"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from riacho.plan.expressions import Column, Expression, conjunction
from riacho.plan.relations import Join, JoinKind
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.functions import FunctionError, bind
from riacho.sql.scope import Scope
from riacho.sql.source import SourceText


@dataclass(slots=True)
class JoinBinder:
    """Binds the joins of one FROM clause."""

    source: SourceText

    def bind(self, left: Scope, right: Scope, join: exp.Join) -> Scope:
        """Both sides joined as `join` says. Raises `SqlError`."""
        kind = self._kind(join)
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
