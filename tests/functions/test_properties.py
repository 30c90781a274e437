"""Functions against small models of what Java does, on whatever values Hypothesis finds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.calls import Typed, as_columns, cast_on_columns, run
from riacho.dataflow.expressions import RowError
from riacho.plan.types import BIGINT, DOUBLE, FLOAT, INT, SMALLINT, STRING, TINYINT, IntegerType
from riacho.sql.functions import bind

INTEGERS = st.sampled_from([TINYINT, SMALLINT, INT, BIGINT])
TEXT = st.text(st.sampled_from("abé中 😀%_.*"), max_size=12)


def computed(function: str, *arguments: Any) -> Any:
    expressions, schema, frame = as_columns(arguments, rows=1)
    return run(bind(function, expressions), schema, frame)[0]


def wrapped(value: int, bits: int) -> int:
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


@st.composite
def pairs_of_integers(draw: st.DrawFn) -> tuple[IntegerType, int, int]:
    kind = draw(INTEGERS)
    edge = 1 << kind.bits - 1
    values = st.one_of(st.integers(-edge, edge - 1), st.sampled_from([-edge, edge - 1, 0, -1, 1]))
    return kind, draw(values), draw(values)


@settings(max_examples=60, deadline=None)
@given(pairs_of_integers())
def test_integer_arithmetic_wraps_and_truncates_toward_zero(given_: tuple[IntegerType, int, int]) -> None:
    kind, left, right = given_
    one, other = Typed(left, kind), Typed(right, kind)
    assert computed("+", one, other) == wrapped(left + right, kind.bits)
    assert computed("-", one, other) == wrapped(left - right, kind.bits)
    assert computed("*", one, other) == wrapped(left * right, kind.bits)
    assert computed("-", one) == wrapped(-left, kind.bits)
    assert computed("ABS", one) == wrapped(abs(left), kind.bits)
    if right == 0:
        with pytest.raises(RowError, match="division by zero"):
            computed("/", one, other)
        return
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    assert computed("/", one, other) == wrapped(quotient, kind.bits)
    assert computed("%", one, other) == math.fmod(left, right) if abs(left) < 2**53 else True


@settings(max_examples=60, deadline=None)
@given(pairs_of_integers(), INTEGERS)
def test_integers_survive_text_and_wrap_when_narrowed(
    given_: tuple[IntegerType, int, int], target: IntegerType
) -> None:
    kind, value, _ = given_
    assert cast_on_columns(Typed(value, kind), STRING) == str(value)
    assert cast_on_columns(str(value), kind) == value
    assert cast_on_columns(Typed(value, kind), target) == wrapped(value, target.bits)


@settings(max_examples=60, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_written_as_text_reads_back_as_itself(value: float) -> None:
    text = cast_on_columns(value, STRING)
    assert float(text) == value
    assert cast_on_columns(text, DOUBLE) == value
    mantissa = text.lstrip("-").split("E")[0]
    assert "." in mantissa
    assert ("E" in text) == (value != 0 and not 1e-3 <= abs(value) < 1e7)


@settings(max_examples=60, deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
@example(float(np.finfo(np.float32).max))
def test_a_float_written_as_text_reads_back_as_itself(value: float) -> None:
    assert np.float32(cast_on_columns(Typed(value, FLOAT), STRING)) == np.float32(value)


@settings(max_examples=60, deadline=None)
@given(TEXT, st.integers(-15, 15), st.integers(-2, 15))
def test_substring_counts_characters_from_either_end(text: str, start: int, length: int) -> None:
    first = start - 1 if start > 0 else len(text) + start if start < 0 else 0
    expected = None if length < 0 else "" if first < 0 else text[first : first + length]
    assert computed("SUBSTRING", text, start, length) == expected


@settings(max_examples=60, deadline=None)
@given(TEXT, TEXT)
def test_position_is_a_character_position(part: str, text: str) -> None:
    assert computed("POSITION", part, text) == text.find(part) + 1


@settings(max_examples=60, deadline=None)
@given(TEXT, st.text(st.sampled_from("ab%_."), max_size=6))
def test_like_with_a_literal_pattern_is_like_with_a_computed_one(text: str, pattern: str) -> None:
    literal = Typed(pattern, STRING, word=True)
    assert computed("LIKE", text, literal) is computed("LIKE", text, pattern)


@settings(max_examples=60, deadline=None)
@example([5.600711791330506e16], -2)
@given(st.lists(st.one_of(st.none(), st.floats()), min_size=1, max_size=20), st.integers(-3, 6))
def test_round_is_that_of_the_decimal_text(values: list[float | None], digits: int) -> None:
    expressions, schema, _ = as_columns((Typed(0.0, DOUBLE), Typed(digits, INT, word=True)))
    frame = pl.DataFrame({"row": range(len(values)), "a0": values}, schema={"row": pl.Int32, "a0": pl.Float64})
    computed_digits, other_schema, _ = as_columns((Typed(0.0, DOUBLE), digits))
    other_frame = frame.with_columns(pl.lit(digits, pl.Int32).alias("a1"))
    fast = run(bind("ROUND", expressions), schema, frame)
    exact = run(bind("ROUND", computed_digits), other_schema, other_frame)
    assert [str(value) for value in fast] == [str(value) for value in exact]
