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

    # ---- joins ------------------------------------------------------------------------------------------------

    def visit_JoinLink(self, op: Any, *, how: str, table: Any, predicates: Any) -> Any:
        if how not in _JOINS:
            raise com.UnsupportedOperationError(f"a join of kind '{how}' cannot run in a stream")
        return super().visit_JoinLink(op, how=how, table=table, predicates=predicates)

    def visit_JoinChain(self, op: Any, *, first: Any, rest: Any, values: Mapping[str, Any]) -> Any:
        """Semi and anti joins become EXISTS: Flink's grammar has no word for them."""
        links = [link.this if isinstance(link, sge.Alias) else link for link in rest]
        joins = [link for link in links if str(link.args.get("kind") or "").upper() not in _EXISTENCE]
        result = super().visit_JoinChain(op, first=first, rest=joins, values=values)
        for link in links:
            negated = _EXISTENCE.get(str(link.args.get("kind") or "").upper())
            if negated is not None:
                inner = sg.select(sge.convert(1), copy=False).from_(link.this, copy=False)
                exists = sge.Exists(this=inner.where(link.args["on"], copy=False))
                result = result.where(sg.not_(exists) if negated else exists, copy=False)
        return result


compiler = RiachoCompiler()
