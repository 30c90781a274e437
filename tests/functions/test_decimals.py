"""Decimal arithmetic is exact: Python's decimals, at a precision that never rounds, agree on every digit."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, localcontext

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.calls import Typed, as_columns, cast_on_columns, run
from riacho.plan.types import DecimalType
from riacho.sql.functions import bind

EXACT = Context(prec=400)


@st.composite
def decimals(draw: st.DrawFn) -> Typed:
    precision = draw(st.integers(1, 38))
    scale = draw(st.integers(0, precision))
    digits = draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    return Typed(Decimal(digits).scaleb(-scale, EXACT), DecimalType(precision, scale))


def fitted(value: Decimal, kind: DecimalType) -> Decimal | None:
    rounded = value.quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP, EXACT)
    return rounded if abs(rounded.scaleb(kind.scale, EXACT)) < 10**kind.precision else None


def computed(function: str, left: Typed, right: Typed) -> tuple[Decimal | None, DecimalType]:
    expressions, schema, frame = as_columns((left, right))
    call = bind(function, expressions)
    assert isinstance(call.type, DecimalType)
    return run(call, schema, frame)[0], call.type


@settings(max_examples=80, deadline=None)
@given(decimals(), decimals())
def test_sums_differences_and_products_are_exact(left: Typed, right: Typed) -> None:
    with localcontext(EXACT):
        for function, expected in (
            ("+", left.value + right.value),
            ("-", left.value - right.value),
            ("*", left.value * right.value),
        ):
            actual, kind = computed(function, left, right)
            assert actual == fitted(expected, kind), function


@settings(max_examples=80, deadline=None)
@given(decimals(), decimals().filter(lambda item: item.value != 0))
def test_quotients_are_rounded_half_up_and_remainders_have_the_dividends_sign(left: Typed, right: Typed) -> None:
    with localcontext(EXACT):
        quotient, kind = computed("/", left, right)
        assert quotient == fitted(left.value / right.value, kind)
        remainder, kind = computed("%", left, right)
        whole = (left.value / right.value).to_integral_value(ROUND_DOWN)
        assert remainder == fitted(left.value - whole * right.value, kind)


@settings(max_examples=80, deadline=None)
@given(decimals(), st.integers(1, 38).flatmap(lambda p: st.tuples(st.just(p), st.integers(0, p))))
def test_a_cast_to_another_decimal_rounds_half_up_or_is_null(value: Typed, target: tuple[int, int]) -> None:
    kind = DecimalType(*target)
    assert cast_on_columns(value, kind) == fitted(value.value, kind)


@settings(max_examples=80, deadline=None)
@given(decimals(), decimals())
def test_decimals_of_any_scale_compare_by_value(left: Typed, right: Typed) -> None:
    expressions, schema, frame = as_columns((left, right))
    for function, expected in (
        ("<", left.value < right.value),
        ("=", left.value == right.value),
        (">=", left.value >= right.value),
    ):
        assert run(bind(function, expressions), schema, frame)[0] is expected, function
