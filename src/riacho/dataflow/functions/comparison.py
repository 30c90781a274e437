"""Comparisons with NULL as unknown. NaN equals nothing and has no order, as with Java's primitives; Polars differs."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from math import isnan

import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.plan.expressions import Call, Cast
from riacho.plan.types import ArrayType, DataType, FloatType, MapType, MultisetType, RowType

Comparison = Callable[[pl.Expr, pl.Expr], pl.Expr]


def equal(left: pl.Expr, right: pl.Expr, kind: DataType) -> pl.Expr:
    """left = right, for columns of one type."""
    left, right = by_keys(left, kind), by_keys(right, kind)
    return _unless_nan(left == right, left, right, kind)


def by_keys(value: pl.Expr, kind: DataType) -> pl.Expr:
    """A map in the order of its keys: in which they stand makes no other map of it."""
    if not isinstance(kind, MapType) or isinstance(kind, MultisetType):
        return value
    return value.list.eval(pl.element().sort_by(pl.element().struct.field("key")))


def at_least(left: pl.Expr, right: pl.Expr, kind: DataType) -> pl.Expr:
    """left >= right. Polars orders NaN last, so it would be at least anything."""
    return _unless_nan(left >= right, left, right, kind)


def above(left: pl.Expr, right: pl.Expr, kind: DataType) -> pl.Expr:
    return _unless_nan(left > right, left, right, kind)


def _unless_nan(holds: pl.Expr, left: pl.Expr, right: pl.Expr, kind: DataType) -> pl.Expr:
    """False where the left side is NaN, but still unknown where the right one is NULL."""
    if not isinstance(kind, FloatType):
        return holds
    return pl.when(left.is_nan() & right.is_not_null()).then(pl.lit(value=False)).otherwise(holds)


def _has_nan(call: Invocation) -> bool:
    """Whether NaN may occur on both sides: a literal on either decides for the comparison."""
    return isinstance(call.type(0), FloatType)


def _literal_number(call: Invocation, index: int) -> bool:
    value = call.literal(index)
    return isinstance(value, float) and not isnan(value)


def _equal(call: Invocation) -> pl.Expr:
    if _literal_number(call, 0) or _literal_number(call, 1):
        return call[0] == call[1]
    return _is(call, 1, call[1])


def _is_constructor(call: Invocation, index: int) -> bool:
    argument = call.call.arguments[index]
    if isinstance(argument, Cast):
        argument = argument.operand
    return isinstance(argument, Call) and argument.function == "ROW"


def _fields_equal(call: Invocation, index: int, value: pl.Expr) -> pl.Expr:
    """(a, b) = (c, d) is a = c AND b = d, unknown where these are. `value` is the argument at `index`."""
    one, other = call.type(0), call.type(index)
    assert isinstance(one, RowType)
    assert isinstance(other, RowType)
    pairs = zip(one.fields, other.fields, strict=True)
    return functools.reduce(
        operator.and_,
        [equal(call[0].struct.field(a.name), value.struct.field(b.name), a.type) for a, b in pairs],
    )


def _not_equal(call: Invocation) -> pl.Expr:
    if _is_constructor(call, 0) and _is_constructor(call, 1):
        return ~_fields_equal(call, 1, call[1])
    kind = call.type(0)
    differ = by_keys(call[0], kind) != by_keys(call[1], kind)
    if not _has_nan(call) or _literal_number(call, 0) or _literal_number(call, 1):
        return differ
    return differ | (call[0].is_nan() & call[1].is_nan())


def _distinct(call: Invocation) -> pl.Expr:
    kind = call.type(0)
    if isinstance(kind, ArrayType | MapType | RowType):
        both_null = call[0].is_null() & call[1].is_null()
        same = equal(call[0], call[1], kind).fill_null(value=False)
        return ~(both_null | same)
    differ = call[0].ne_missing(call[1])
    return differ | (call[0].is_nan() & call[1].is_nan()).fill_null(value=False) if _has_nan(call) else differ


def _between(call: Invocation) -> pl.Expr:
    kind = call.type(0)
    return at_least(call[0], call[1], kind) & at_least(call[2], call[0], kind)


def _between_symmetric(call: Invocation) -> pl.Expr:
    kind = call.type(0)
    up = at_least(call[0], call[1], kind) & at_least(call[2], call[0], kind)
    down = at_least(call[0], call[2], kind) & at_least(call[1], call[0], kind)
    return up | down


def _in(call: Invocation) -> pl.Expr:
    """One hash look-up for a list of literals, else a chain of comparisons that ends at the first that is true."""
    choices = range(1, len(call))
    kind = call.type(0)
    column_type = polars_type(kind)
    nested = isinstance(kind, ArrayType | MapType | RowType)
    if not nested and all(call.is_literal(index) and polars_type(call.type(index)) == column_type for index in choices):
        values = [call.literal(index) for index in choices]
        present = [value for value in values if value is not None and value == value]
        column = pl.Series(present, dtype=column_type)
        found = call[0].is_in(column.implode())
        if None in values:
            return pl.when(found).then(pl.lit(value=True))
        return found
    found = _is(call, 1, call[1])
    for index in choices[1:]:
        found = found | _is(call, index, call.lazily(index, ~found.fill_null(value=False)))
    return found


def _is(call: Invocation, index: int, value: pl.Expr) -> pl.Expr:
    """Whether the first argument equals the one at `index`, which is `value`."""
    if _is_constructor(call, 0) and _is_constructor(call, index):
        return _fields_equal(call, index, value)
    return equal(call[0], value, call.type(0))


FUNCTIONS: dict[str, Evaluate] = {
    "=": _equal,
    "<>": _not_equal,
    "<": lambda call: above(call[1], call[0], call.type(0)),
    "<=": lambda call: at_least(call[1], call[0], call.type(0)),
    ">": lambda call: above(call[0], call[1], call.type(0)),
    ">=": lambda call: at_least(call[0], call[1], call.type(0)),
    "IS DISTINCT FROM": _distinct,
    "IS NOT DISTINCT FROM": lambda call: ~_distinct(call),
    "IS NULL": lambda call: call[0].is_null(),
    "IS NOT NULL": lambda call: call[0].is_not_null(),
    "BETWEEN": _between,
    "BETWEEN SYMMETRIC": _between_symmetric,
    "IN": _in,
}
