"""Ibis expressions as Flink SQL: Ibis's own Flink compiler, but for what it promises and Flink computes otherwise.

Ibis's schema is the promise: a mean and a standard deviation are DOUBLE, a sum of integers is BIGINT. Where Flink would
keep the argument's type, the argument is cast first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis.common.exceptions as com
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import STAR, AggGen
from ibis.backends.sql.compilers.flink import FlinkCompiler

from riacho.ibis.functions import function_name

_JOINS = frozenset({"inner", "left", "right", "outer", "cross", "semi", "anti"})
_EXISTENCE = {"SEMI": False, "ANTI": True}
"""Kinds of join that become [NOT] EXISTS: whether NOT."""

_ADDING = frozenset({"RIGHT", "FULL"})
"""Sides of joins that give rows which the tables before them do not have."""


class _Aggregates(AggGen):
    """Aggregates with FILTER, which Ibis avoids on Flink."""

    def aggregate(self, compiler: Any, name: str, *args: Any, where: Any = None, order_by: Any = ()) -> Any:
        if order_by:
            raise com.UnsupportedOperationError("an aggregate cannot order its rows in a stream")
        call = compiler.f[name](*args)
        return call if where is None else filtered(call, where)


def filtered(call: Any, where: Any) -> Any:
    """`call FILTER (WHERE where)`."""
    return sge.Filter(this=call, expression=sge.Where(this=where))


class RiachoCompiler(FlinkCompiler):
    """Raises `UnsupportedOperationError` or `OperationNotDefinedError`, which name what is lacking."""

    __slots__ = ()

    agg = _Aggregates()

    @property
    def NAN(self) -> Any:
        return self.cast("NaN", dt.float64)

    @property
    def POS_INF(self) -> Any:
        return self.cast("Infinity", dt.float64)

    @property
    def NEG_INF(self) -> Any:
        return self.cast("-Infinity", dt.float64)

    def visit_InMemoryTable(self, op: Any, *, name: str, schema: Any, data: Any) -> Any:
        """Its rows as VALUES: Ibis takes them through pandas, which has no null integers."""
        columns = [sg.column(column, quoted=True) for column in schema.names]
        rows = [
            sge.Tuple(
                expressions=[
                    self.visit_Literal(ops.Literal(value, dtype=kind), value=value, dtype=kind)
                    for value, kind in zip(row.values(), schema.types, strict=True)
                ]
            )
            for row in data.to_pyarrow(schema).to_pylist()
        ]
        alias = sge.TableAlias(this=sg.to_identifier(name, quoted=True), columns=columns)
        return sg.select(*columns).from_(sge.Values(expressions=rows, alias=alias))

    def visit_ScalarUDF(self, op: Any, **arguments: Any) -> Any:
        return self.f[function_name(op)](*arguments.values())

    def visit_Select(self, op: Any, *, selections: Mapping[str, Any], **parts: Any) -> Any:
        """UNNEST of an array of rows gives a column for each of their fields: they are made one row again."""
        made = dict(selections)
        unnested: list[sge.Unnest] = []
        for name, value in op.selections.items():
            if not (isinstance(value, ops.Unnest) and value.dtype.is_struct()):
                continue
            alias = f"_row{len(unnested)}"
            fields = [sg.to_identifier(field, quoted=True) for field in value.dtype.names]
            named = sge.TableAlias(this=sg.to_identifier(alias, quoted=True), columns=fields)
            unnested.append(sge.Unnest(expressions=[made[name].this], alias=named))
            columns = [sg.column(field, table=alias, quoted=True) for field in value.dtype.names]
            made[name] = self.cast(self.f.row(*columns), value.dtype)
        result = super().visit_Select(op, selections=made, **parts)
        for table in unnested:
            result = result.join(table, join_type="cross", copy=False)
        return result

    def visit_WindowAggregate(self, op: Any, *, parent: Any, **parts: Any) -> Any:
        """A window table function takes a table by its name: what is made of one, as by a filter, gets one by WITH."""
        if not isinstance(parent.this, sge.Query):
            return super().visit_WindowAggregate(op, parent=parent, **parts)
        alias = parent.alias_or_name
        name = f"{alias}_rows"
        table = sge.Table(this=sg.to_identifier(name, quoted=True)).as_(alias, quoted=True)
        windowed = super().visit_WindowAggregate(op, parent=table, **parts)
        return windowed.with_(sg.to_identifier(name, quoted=True), as_=parent.this, copy=False)

    # ---- aggregates -------------------------------------------------------------------------------------------

    def visit_Sum(self, op: Any, *, arg: Any, where: Any) -> Any:
        return self.agg.sum(self._as(arg, op.arg.dtype, op.dtype), where=where)

    def visit_Mean(self, op: Any, *, arg: Any, where: Any) -> Any:
        mean = self.agg.avg(self._as(arg, op.arg.dtype, op.dtype), where=where)
        return self.cast(mean, op.dtype) if op.dtype.is_decimal() else mean

    def visit_Variance(self, op: Any, *, how: str, where: Any, arg: Any) -> Any:
        name = "stddev" if isinstance(op, ops.StandardDev) else "var"
        suffix = {"sample": "samp", "pop": "pop"}[how]
        return self.agg[f"{name}_{suffix}"](self._as(arg, op.arg.dtype, dt.float64), where=where)

    visit_StandardDev = visit_Variance

    def visit_CountStar(self, op: Any, *, arg: Any, where: Any) -> Any:
        call = self.f.count(STAR)
        return call if where is None else filtered(call, where)

    def visit_CountDistinct(self, op: Any, *, arg: Any, where: Any) -> Any:
        call = self.f.count(sge.Distinct(expressions=[arg]))
        return call if where is None else filtered(call, where)

    def _as(self, value: Any, have: dt.DataType, wanted: dt.DataType) -> Any:
        same = have.copy(nullable=True) == wanted.copy(nullable=True)
        if have.is_boolean() and not same:
            value = self.cast(value, dt.int32)
        return value if same else self.cast(value, wanted)

    def visit_Arbitrary(self, op: Any, *, arg: Any, where: Any) -> Any:
        """The first value that is not NULL."""
        return self.agg.first_value(arg, where=where)

    def visit_GroupConcat(self, op: Any, *, arg: Any, sep: Any, where: Any, order_by: Any) -> Any:
        return self.agg.listagg(arg, sep, where=where, order_by=order_by)

    # ---- joins ------------------------------------------------------------------------------------------------

    def visit_JoinLink(self, op: Any, *, how: str, table: Any, predicates: Any) -> Any:
        if how not in _JOINS:
            raise com.UnsupportedOperationError(f"a join of kind '{how}' cannot run in a stream")
        return super().visit_JoinLink(op, how=how, table=table, predicates=predicates)

    def visit_JoinChain(self, op: Any, *, first: Any, rest: Any, values: Mapping[str, Any]) -> Any:
        """Semi and anti joins become EXISTS: Flink's grammar has no word for them.

        It stands in WHERE, after all joins; where a right or outer join follows, whose other rows WHERE would take
        away, it chooses among the first table's rows before they are joined.
        """
        links = [link.this if isinstance(link, sge.Alias) else link for link in rest]
        kinds = [str(link.args.get("kind") or "").upper() for link in links]
        adding = [str(link.args.get("side") or "").upper() in _ADDING for link in links]
        chosen = []
        for place, link in enumerate(links):
            if kinds[place] not in _EXISTENCE:
                continue
            inner = sg.select(sge.convert(1), copy=False).from_(link.this, copy=False)
            exists: Any = sge.Exists(this=inner.where(link.args["on"], copy=False))
            condition = sg.not_(exists) if _EXISTENCE[kinds[place]] else exists
            if not any(adding[place:]):
                chosen.append(condition)
                continue
            own = {first.alias_or_name, link.this.alias_or_name}
            if any(adding[:place]) or {column.table for column in link.args["on"].find_all(sge.Column)} - own:
                raise com.UnsupportedOperationError(
                    f"a {kinds[place].lower()} join of joined tables cannot stand before a right or outer join: "
                    "make it the first join, or the last"
                )
            alias = sg.to_identifier(first.alias_or_name, quoted=True)
            first = sg.select(STAR, copy=False).from_(first, copy=False).where(condition, copy=False).subquery(alias)
        joins = [link for link, kind in zip(links, kinds, strict=True) if kind not in _EXISTENCE]
        result = super().visit_JoinChain(op, first=first, rest=joins, values=values)
        return result.where(*chosen, copy=False) if chosen else result


compiler = RiachoCompiler()
