"""A row on which an expression fails is named, and only if what fails was asked for."""

# ruff: noqa: DTZ001 - a TIMESTAMP of SQL has no zone

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from functions.calls import call_on_columns, instant, settings, word
from riacho.dataflow.batch import NO_WATERMARK, Batch, WatermarkSteps
from riacho.dataflow.expressions import Evaluator, Predicate, RowError, zone
from riacho.plan.expressions import Column, Expression, Literal, Position
from riacho.plan.relations import Field, Schema
from riacho.plan.types import BIGINT, BOOLEAN, INT, STRING, TIMESTAMP_3
from riacho.sql.functions import bind, bind_case, bind_cast

SCHEMA = Schema((Field("a", INT), Field("b", INT), Field("s", STRING)))
A, B, S = SCHEMA.column("a"), SCHEMA.column("b"), SCHEMA.column("s")
FRAME = pl.DataFrame(
    {"a": [10, 20, 30, 40], "b": [2, 0, None, 0], "s": ["1", "x", None, "y"]},
    schema={"a": pl.Int32, "b": pl.Int32, "s": pl.String},
)
ZERO = Literal(INT.with_nullable(False), 0)


def evaluate(expression: Expression, frame: pl.DataFrame = FRAME) -> list[Any]:
    return Evaluator([expression], ["x"], SCHEMA, settings()).evaluate_frame(frame)["x"].to_list()


def test_division_by_zero_names_its_rows_and_its_place() -> None:
    division = bind("/", (A, B), Position(2, 8))
    with pytest.raises(RowError) as caught:
        evaluate(division)
    assert caught.value.rows.tolist() == [1, 3]
    assert [failure.message for failure in caught.value.failures] == ["division by zero"] * 2
    assert caught.value.failures[0].position == Position(2, 8)
    assert str(caught.value) == "division by zero in (a / b) (and 1 more row)\n  at line 2, column 8"


def test_a_failed_cast_says_which_text_did_not_fit() -> None:
    with pytest.raises(RowError) as caught:
        evaluate(bind_cast(S, INT))
    assert [(failure.row, failure.message) for failure in caught.value.failures] == [
        (1, "cannot parse 'x' as INT"),
        (3, "cannot parse 'y' as INT"),
    ]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (bind("REPEAT", (S, A)), None),
        (bind("REPEAT", (S, Literal(INT, 1_000_000_000))), "REPEAT would make a text of 1000000000 characters"),
        (bind("LPAD", (S, Literal(INT, 2**31 - 1), Literal(STRING, "x"))), "LPAD would make a text of 2147483647"),
        (bind("RPAD", (S, Literal(INT, 20_000_000), Literal(STRING, "ab"))), "RPAD would make a text of 20000000"),
        (bind("LPAD", (S, bind("*", (A, Literal(INT, 10**7))), S)), "LPAD would make a text of 100000000 characters"),
        (bind("PRINTF", (Literal(STRING, "%10000000s|%10000000s"), S, S)), "PRINTF would make a text of 20000000"),
        (bind("PRINTF", (Literal(STRING, "%99999999999999999999s"), S)), None),
    ],
    ids=str,
)
def test_a_text_of_more_characters_than_are_bearable_is_not_made(made: Expression, message: str | None) -> None:
    if message is None:
        evaluate(made)
        return
    with pytest.raises(RowError) as caught:
        evaluate(made)
    assert caught.value.rows.tolist()[:2] == [0, 1]
    assert caught.value.failures[0].message.startswith(message)
    assert caught.value.failures[0].message.endswith("and 16777216 are the most")


def test_a_long_text_is_repeated_at_once() -> None:
    frame = FRAME.with_columns(a=pl.Series([1_000_000, 3, -1, None], dtype=pl.Int32))
    assert evaluate(bind("REPEAT", (S, A)), frame) == ["1" * 1_000_000, "xxx", None, None]


def test_a_row_that_fails_twice_is_reported_once() -> None:
    both = bind("+", (bind("/", (A, B)), bind_cast(S, INT)))
    with pytest.raises(RowError) as caught:
        evaluate(both)
    assert caught.value.rows.tolist() == [1, 3]


def test_the_rows_without_the_failed_ones_evaluate() -> None:
    division = bind("/", (A, B))
    evaluator = Evaluator([division], ["x"], SCHEMA, settings())
    with pytest.raises(RowError) as caught:
        evaluator.evaluate_frame(FRAME)
    kept = np.delete(np.arange(4), caught.value.rows)
    assert evaluator.evaluate_frame(FRAME[kept])["x"].to_list() == [5, None]


def test_a_branch_of_case_that_is_not_taken_does_not_fail() -> None:
    safe = bind_case(((bind("<>", (B, ZERO)), bind("/", (A, B))),), Literal(INT, -1))
    assert evaluate(safe) == [5, -1, -1, -1]


def test_in_looks_no_further_than_the_first_that_is_equal() -> None:
    with pytest.raises(RowError) as caught:
        evaluate(bind("IN", (A, Literal(INT, 20), bind_cast(S, INT))))
    assert caught.value.rows.tolist() == [3]


def test_a_later_condition_of_case_does_not_fail_where_an_earlier_one_holds() -> None:
    first = bind("=", (B, ZERO))
    second = bind(">", (bind("/", (A, B)), Literal(INT, 1)))
    chosen = bind_case(((first, Literal(STRING, "zero")), (second, Literal(STRING, "big"))), None)
    assert evaluate(chosen) == ["big", "zero", None, "zero"]


def test_a_branch_of_case_that_is_taken_fails() -> None:
    risky = bind_case(((bind("=", (B, ZERO)), bind("/", (A, B))),), ZERO)
    with pytest.raises(RowError) as caught:
        evaluate(risky)
    assert caught.value.rows.tolist() == [1, 3]


def test_a_branch_inside_a_branch_counts_only_where_both_are_taken() -> None:
    inner = bind_case(((bind(">", (A, Literal(INT, 20))), bind_cast(S, INT)),), ZERO)
    outer = bind_case(((bind("<>", (B, ZERO)), inner),), Literal(INT, 7))
    assert evaluate(outer) == [0, 7, 7, 7]


def test_if_computes_only_the_side_it_takes() -> None:
    assert evaluate(bind("IF", (bind("<>", (B, ZERO)), bind("/", (A, B)), ZERO))) == [5, 0, 0, 0]


def test_and_stops_at_false_and_or_at_true() -> None:
    quotient_is_big = bind(">", (bind("/", (A, B)), Literal(INT, 1)))
    assert evaluate(bind("AND", (bind("<>", (B, ZERO)), quotient_is_big))) == [True, False, None, False]
    assert evaluate(bind("OR", (bind("=", (B, ZERO)), quotient_is_big))) == [True, True, None, True]


def test_a_constant_that_fails_fails_every_row_that_asks_for_it() -> None:
    wrong = bind("/", (Literal(INT, 1), ZERO))
    with pytest.raises(RowError) as caught:
        evaluate(wrong)
    assert caught.value.rows.tolist() == [0, 1, 2, 3]
    assert evaluate(bind_case(((Literal(BOOLEAN, value=False), wrong),), ZERO)) == [0, 0, 0, 0]


def test_an_empty_batch_fails_nothing_and_keeps_its_types() -> None:
    evaluator = Evaluator([bind("/", (Literal(INT, 1), ZERO))], ["x"], SCHEMA, settings())
    assert evaluator.evaluate_frame(FRAME.clear()).schema == {"x": pl.Int32}


def test_constants_are_repeated_for_every_row() -> None:
    assert evaluate(Literal(STRING, "k")) == ["k"] * 4
    assert evaluate(bind("+", (Literal(INT, 1), Literal(INT, 2)))) == [3] * 4


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("%", (5, 0), "division by zero"),
        ("SHA2", ("test", 100), "SHA2 has no 100 bits"),
        ("FROM_BASE64", ("é",), "not base 64"),
        ("REGEXP", ("a", r"\p{javaLowerCase}"), "not a regular expression"),
        ("LIKE", ("a", "a&b", "&"), "escapes nothing"),
        ("ENCODE", ("a", "EBCDIC"), "no character set"),
        ("RAND_INTEGER", (0,), "must be positive"),
        (
            "JSON_VALUE",
            ("no json", word("$.a"), word("x"), word("NULL"), word("x"), word("ERROR"), word("x")),
            "not JSON",
        ),
        ("JSON_QUERY", ("{}", word("lax $.a"), word("WITHOUT"), word("ERROR")), "finds nothing"),
        ("TO_TIMESTAMP_LTZ", (1, 7), "must be 0 or 3"),
        ("CONVERT_TZ", ("1970-01-01 00:00:00", "UTC", "Mars/Olympus"), "no time zone"),
        ("FROM_UNIXTIME", (44, "yyyy-ee"), "no date pattern letter 'e'"),
    ],
)
def test_a_value_that_a_function_cannot_take_fails_its_row(
    function: str, arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(RowError, match=message) as caught:
        call_on_columns(function, arguments)
    assert caught.value.rows.tolist() == [0, 1]


def test_a_predicate_is_false_where_it_is_unknown() -> None:
    batch = Batch(FRAME, np.arange(4), WatermarkSteps.still())
    assert Predicate(bind("=", (B, ZERO)), SCHEMA, settings()).holds(batch).to_list() == [False, True, False, True]


def test_each_row_sees_the_watermark_that_stood_before_it() -> None:
    schema = Schema((Field("t", TIMESTAMP_3),))
    frame = pl.DataFrame({"t": [datetime(2024, 1, 1)] * 3}, schema={"t": pl.Datetime("us")})
    steps = WatermarkSteps(NO_WATERMARK, np.array([0, 1]), np.array([1000, 2500]))
    call = bind("CURRENT_WATERMARK", (Column(TIMESTAMP_3, 0, "t"),))
    made = Evaluator([call], ["x"], schema, settings()).evaluate(Batch(frame, np.arange(3), steps))
    assert made["x"].to_list() == [None, datetime(1970, 1, 1, 0, 0, 1), datetime(1970, 1, 1, 0, 0, 2, 500000)]


def test_functions_of_instants_look_at_the_sessions_zone() -> None:
    tokyo = zone("Asia/Tokyo")
    moment = instant("2024-01-01T20:00:00")
    assert call_on_columns("EXTRACT", (word("DAY"), moment), tokyo) == 2
    assert call_on_columns("FLOOR", (moment, word("DAY")), tokyo) == instant("2024-01-01T15:00:00")
    assert call_on_columns("DATE_FORMAT", (moment, "yyyy-MM-dd HH:mm"), tokyo) == "2024-01-02 05:00"
    assert call_on_columns("FROM_UNIXTIME", (44,), tokyo) == "1970-01-01 09:00:44"
    assert call_on_columns("FROM_UNIXTIME", (44, "HH:mm z Z X XXX"), tokyo) == "09:00 JST +0900 +09 +09:00"
    assert call_on_columns("DATE_FORMAT", ("2024-01-01 20:00:00", "HH z Z"), tokyo) == "20 UTC +0000"
    assert call_on_columns("UNIX_TIMESTAMP", ("1970-01-01 09:00:44",), tokyo) == 44
    assert call_on_columns("CURRENT_DATE", (), tokyo).isoformat() == "2023-11-15"


def test_a_seeded_sequence_goes_on_from_batch_to_batch() -> None:
    evaluator = Evaluator([bind("RAND", (Literal(INT, 1),))], ["x"], SCHEMA, settings())
    together = Evaluator([bind("RAND", (Literal(INT, 1),))], ["x"], SCHEMA, settings()).evaluate_frame(FRAME)["x"]
    apart = [evaluator.evaluate_frame(FRAME[row : row + 2])["x"].to_list() for row in (0, 2)]
    assert together.to_list() == apart[0] + apart[1]


def test_an_expression_is_folded_without_losing_its_type() -> None:
    evaluator = Evaluator([bind("+", (Literal(INT, 1), Column(BIGINT, 0, "a")))], ["x"], SCHEMA, settings())
    assert evaluator.evaluate_frame(FRAME.with_columns(pl.col("a").cast(pl.Int64)))["x"].dtype == pl.Int64


@pytest.mark.parametrize("value", [Literal(STRING, "V"), S])
def test_json_made_by_a_constructor_goes_into_another_as_json(value: Expression) -> None:
    null_on_null, key = Literal(STRING, "NULL"), Literal(STRING, "K")
    inner = bind("JSON_OBJECT", (null_on_null, key, value))
    outer = bind("JSON_ARRAY", (null_on_null, inner, Literal(STRING, "{}")))
    shown = {"V": '"V"', "s": '"1"'}[str(value).strip("'")]
    assert evaluate(outer)[0] == f'[{{"K":{shown}}},"{{}}"]'
