"""Calls of Python functions over a frame: rows of table functions, styles, and values of every type on both ways."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import polars as pl
import pytest

import riacho
from riacho.dataflow.expressions import Evaluator, RowError, Settings
from riacho.dataflow.python_functions.values import from_python, to_python
from riacho.errors import RiachoError
from riacho.plan.relations import Field, Schema
from riacho.plan.types import BIGINT, STRING, DataType
from riacho.sql.errors import SqlError
from riacho.sql.function_statements import definition_of
from riacho.sql.functions import bind_definition
from riacho.sql.session import Session
from riacho.sql.type_text import read_type
from riacho.user_functions.calling import WrongResultError
from riacho.user_functions.loading import declared


def called(function: Any, values: list[Any], kind: DataType, name: str = "f") -> list[Any]:
    """What a function of one argument gives for these rows."""
    schema = Schema((Field("a", kind),))
    definition = definition_of(name, "m.f", declared(function, "m.f"))
    call = bind_definition(definition, (schema.column("a"),))
    frame = pl.DataFrame({"a": values}, schema={"a": pl.String if kind == STRING else pl.Int64})
    return Evaluator([call], ["r"], schema, Settings()).evaluate_frame(frame)["r"].to_list()


def test_a_table_function_gives_an_array_of_rows() -> None:
    @riacho.udtf(result_types=["STRING", "INT"])
    def words(line: str) -> Iterator[tuple[str, int]]:
        for word in (line or "").split():
            yield word, len(word)

    def letters(line: str) -> list[str]:
        return list(line or "")

    class Letters(riacho.TableFunction):
        def eval(self, line: str) -> list[str]:
            return letters(line)

    given = called(words, ["to be", None, ""], STRING)
    assert given == [[{"f0": "to", "f1": 2}, {"f0": "be", "f1": 2}], [], []]
    assert called(Letters, ["ab"], STRING) == [[{"f0": "a"}, {"f0": "b"}]]


def test_a_function_of_columns_that_returns_too_few_values_fails_its_rows() -> None:
    @riacho.udf(result_type="BIGINT", func_type="polars")
    def fewer(a: pl.Series) -> pl.Series:
        return a[:2] if len(a) > 2 else a[:0]

    with pytest.raises(RowError, match="it returned 0 values for 1 rows"):
        called(fewer, [1, 2, 3], BIGINT)


@pytest.mark.parametrize(("style", "library"), [("arrow", "pyarrow"), ("pandas", "pandas")])
def test_a_style_without_its_library_is_refused_with_the_way_to_it(
    style: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riacho.dataflow.python_functions.scalar.find_spec", lambda name: None)
    function = riacho.udf(lambda a: a, result_type="BIGINT", func_type=style)

    with pytest.raises(RiachoError, match=f"takes columns of {library}"):
        called(function, [1], BIGINT)


def test_a_function_over_arrow_arrays() -> None:
    compute = pytest.importorskip("pyarrow.compute")

    @riacho.udf(result_type="BIGINT", func_type="arrow")
    def doubled(a: Any) -> Any:
        return compute.multiply(a, 2)

    assert called(doubled, [1, None, 3], BIGINT) == [2, None, 6]


@pytest.mark.parametrize(
    ("kind", "kept", "python"),
    [
        ("INTERVAL_DAYS", 1500, timedelta(seconds=1, milliseconds=500)),
        ("ARRAY<MAP<STRING, INT>>", [[{"key": "a", "value": 1}]], [{"a": 1}]),
        ("ROW<x INT, `y z` STRING>", {"x": 1, "y z": "b"}, (1, "b")),
        ("DECIMAL(5, 2)", Decimal("1.50"), Decimal("1.5")),
        ("TIMESTAMP_LTZ(3)", datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)),
        ("TIMESTAMP(3)", datetime(2024, 1, 1), datetime(2024, 1, 1)),  # noqa: DTZ001 - it has no zone
        ("DATE", date(2024, 2, 29), date(2024, 2, 29)),
        ("TIME", time(1, 2, 3), time(1, 2, 3)),
        ("BYTES", b"x", b"x"),
        ("DOUBLE", 1.5, 1.5),
        ("BOOLEAN", True, True),
    ],
)
def test_a_value_goes_to_python_and_comes_back(kind: str, kept: Any, python: Any) -> None:
    data_type = riacho_interval() if kind == "INTERVAL_DAYS" else read_type(kind)
    convert = to_python(data_type)

    assert (kept if convert is None else convert(kept)) == python
    assert from_python(data_type)(python) == kept


def riacho_interval() -> DataType:
    from riacho.plan.types import DayTimeIntervalType

    return DayTimeIntervalType()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("INT", 2**31),
        ("INT", True),
        ("INT", "1"),
        ("DOUBLE", "1"),
        ("STRING", 1),
        ("DECIMAL(3, 1)", Decimal("100")),
        ("DECIMAL(3, 1)", 1.5),
        ("DATE", datetime(2024, 1, 1)),  # noqa: DTZ001 - it is no date
        ("TIMESTAMP(3)", datetime(2024, 1, 1, tzinfo=UTC)),
        ("ARRAY<INT>", "12"),
        ("MAP<STRING, INT>", [1]),
        ("ROW<a INT>", (1, 2)),
        ("ROW<a INT>", 1),
        ("BIGINT NOT NULL", None),
    ],
)
def test_what_a_type_cannot_hold_is_told(kind: str, value: Any) -> None:
    with pytest.raises(WrongResultError, match="it returned"):
        from_python(read_type(kind))(value)


class Longest(riacho.AggregateFunction):
    def create_accumulator(self) -> list[str]:
        return [""]

    def accumulate(self, accumulator: list[str], text: str) -> None:
        accumulator[0] = max(accumulator[0], text, key=len)

    def get_value(self, accumulator: list[str]) -> str:
        return accumulator[0]


SUMS = """
CREATE TABLE t (a STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE o (a STRING) WITH ('connector' = 'print');
"""


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("SELECT longest(a) FROM (SELECT MAX(a) AS a FROM t)", "longest has no retract, and rows of its input"),
        ("SELECT longest(DISTINCT a) FROM t", "longest does not take DISTINCT"),
        ("SELECT a FROM t WHERE longest(a) = 'b'", "the aggregate function longest cannot stand in WHERE"),
        ("SELECT longest(a) OVER (ORDER BY a) FROM t", "the Python function longest cannot be used with OVER"),
        ("SELECT longest(a, a) FROM t", "longest takes 1 argument, not 2"),
    ],
)
def test_an_aggregate_function_is_refused_where_it_cannot_stand(
    query: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("riacho_test_longest")
    module.Longest = Longest  # type: ignore[attr-defined]
    module.__spec__ = ModuleSpec("riacho_test_longest", None)
    monkeypatch.setitem(sys.modules, "riacho_test_longest", module)
    session = Session()
    session.execute(SUMS + "CREATE FUNCTION longest AS 'riacho_test_longest.Longest' LANGUAGE PYTHON;")

    with pytest.raises(SqlError, match=re.escape(what)):
        session.execute(f"INSERT INTO o {query}")
