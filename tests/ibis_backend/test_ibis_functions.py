"""Python functions of an Ibis expression: values or columns, nulls, other modules, and what a crash in one says."""

from __future__ import annotations

from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import riacho.ibis
from riacho.errors import RiachoError
from running_broker import RunningBroker

RATE = 2


@pytest.fixture
def con(kafka: RunningBroker) -> Any:
    return riacho.ibis.connect(kafka.bootstrap, progress=False)


@pytest.fixture
def numbers(con: Any) -> Any:
    return con.sql("SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, CAST(NULL AS STRING))) AS t(n, k)")


@ibis.udf.scalar.python
def taxed(price: float) -> float:
    return price * (1 + RATE)


@ibis.udf.scalar.python
def shouted(word: str) -> str:
    return "nothing" if word is None else word.upper() + "!"


@ibis.udf.scalar.pyarrow
def squared(number: int) -> int:
    return pc.multiply(number, number)  # type: ignore[arg-type, return-value]


def test_a_function_of_values_takes_them_as_its_hints_say(numbers: Any) -> None:
    assert numbers.mutate(taxed=taxed(numbers.n)).to_polars()["taxed"].to_list() == [3.0, 6.0, 9.0]


def test_a_function_is_given_null_as_none(numbers: Any) -> None:
    assert numbers.select(word=shouted(numbers.k)).to_polars()["word"].to_list() == ["A!", "B!", "nothing"]


def test_a_function_of_columns_takes_arrow_arrays(numbers: Any) -> None:
    assert numbers.select(square=squared(numbers.n)).to_pyarrow() == pa.table({"square": [1, 4, 9]})


def test_functions_stand_in_filters_aggregates_and_views(con: Any, numbers: Any) -> None:
    view = con.create_view("squares", numbers.filter(squared(numbers.n) > 1).mutate(square=squared(numbers.n)))

    assert view.agg(total=taxed(view.square).sum()).to_polars().rows() == [(39.0,)]


def test_a_function_that_is_defined_again_is_the_new_one(numbers: Any) -> None:
    def defined(step: int) -> Any:
        @ibis.udf.scalar.python
        def moved(number: int) -> int:
            return number + step

        return moved

    first, second = defined(10), defined(20)

    both = numbers.select(first=first(numbers.n), second=second(numbers.n)).to_polars()

    assert both.rows() == [(11, 21), (12, 22), (13, 23)]


def test_a_builtin_function_is_called_by_its_name(numbers: Any) -> None:
    @ibis.udf.scalar.builtin
    def initcap(word: str) -> str: ...

    assert numbers.select(word=initcap(numbers.k)).to_polars()["word"].to_list() == ["A", "B", None]


def test_a_crash_names_the_function_and_the_row(numbers: Any) -> None:
    @ibis.udf.scalar.python
    def inverted(number: int) -> float:
        return 1 / (number - 2)

    with pytest.raises(RiachoError) as caught:
        numbers.select(x=inverted(numbers.n)).to_polars()

    assert "inverted" in str(caught.value)
    assert "division by zero" in str(caught.value)
