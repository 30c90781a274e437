"""CAST and TRY_CAST between all types, as Flink's documentation and cast tests say."""

# ruff: noqa: DTZ001 - a TIMESTAMP of SQL has no zone

from __future__ import annotations

import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from functions.calls import Typed, cast_on_columns, cast_on_literals, instant, null, same
from functions.cases import INTS, ROW_TYPE, STRINGS, d, days, ints, mapping, months, strings
from riacho.dataflow.expressions import RowError, zone
from riacho.plan.expressions import Column, Position
from riacho.plan.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    FLOAT,
    INT,
    SMALLINT,
    STRING,
    TIME,
    TIMESTAMP_3,
    TIMESTAMP_6,
    TIMESTAMP_LTZ_3,
    TINYINT,
    ArrayType,
    BinaryType,
    CharType,
    DataType,
    DayTimeIntervalType,
    DecimalType,
    MapType,
    RowField,
    RowType,
    TimestampType,
    TimeType,
    VarbinaryType,
    VarcharType,
    YearMonthIntervalType,
)
from riacho.sql.functions import FunctionError, bind_cast, supports_cast

MOMENT = datetime(2021, 9, 24, 12, 34, 56, 123456)

CASTS: list[tuple[Any, DataType, Any]] = [
    # numbers to numbers: Java's narrowing
    (128, TINYINT, -128),
    (2**31, INT, -(2**31)),
    (Typed(2**63 - 1, BIGINT), INT, -1),
    (1.9, INT, 1),
    (-1.9, INT, -1),
    (9234567891.12345, INT, 2147483647),
    (123456.7890, SMALLINT, -7616),
    (d("9123.87"), TINYINT, -93),
    (d("3276913443134.87"), INT, -146603714),
    (12345678901, INT, -539222987),
    (-1.7976931348623157e308, FLOAT, -math.inf),
    (math.nan, INT, 0),
    (1e300, INT, 2**31 - 1),
    (-math.inf, BIGINT, -(2**63)),
    (300.0, TINYINT, 44),
    (d("1.99"), INT, 1),
    (d("-1.99"), BIGINT, -1),
    (d("2147483648"), INT, -(2**31)),
    (1, DOUBLE, 1.0),
    (d("1.25"), DOUBLE, 1.25),
    (0.1, FLOAT, 0.10000000149011612),
    (d("1.25"), DecimalType(3, 1), d("1.3")),
    (d("-1.25"), DecimalType(3, 1), d("-1.3")),
    (d("1.25"), DecimalType(5, 4), d("1.2500")),
    (d("99.5"), DecimalType(2, 0), None),
    (12345, DecimalType(4, 2), None),
    (12, DecimalType(4, 2), d("12.00")),
    (1.255, DecimalType(4, 2), d("1.26")),
    (3.123456, DecimalType(8, 4), d("3.1235")),
    (12345.678912, DecimalType(8, 4), None),
    (1e300, DecimalType(38, 0), None),
    (True, INT, 1),
    (False, DecimalType(3, 1), d("0.0")),
    (0, BOOLEAN, False),
    (-3, BOOLEAN, True),
    (d("0.0"), BOOLEAN, False),
    # text to numbers and booleans
    ("42", INT, 42),
    (" 42 ", INT, 42),
    ("+42", INT, 42),
    ("1.9", INT, 1),
    ("-128", TINYINT, -128),
    ("1e3", DOUBLE, 1000.0),
    (" 1.5 ", DOUBLE, 1.5),
    ("1.5f", FLOAT, 1.5),
    ("NaN", DOUBLE, math.nan),
    ("-Infinity", DOUBLE, -math.inf),
    ("1.245", DecimalType(10, 2), d("1.25")),
    ("-1.245", DecimalType(10, 2), d("-1.25")),
    ("1e2", DecimalType(10, 2), d("100.00")),
    ("true", BOOLEAN, True),
    ("YES", BOOLEAN, True),
    ("f", BOOLEAN, False),
    ("0", BOOLEAN, False),
    ("2020-12-31 24:00:00", TIMESTAMP_3, datetime(2021, 1, 1)),
    ("2020-02-28 24:0:0.000", TIMESTAMP_3, datetime(2020, 2, 29)),
    # to text
    (True, STRING, "TRUE"),
    (-5, STRING, "-5"),
    (0.1, STRING, "0.1"),
    (1e7, STRING, "1.0E7"),
    (1234567.0, STRING, "1234567.0"),
    (1e-4, STRING, "1.0E-4"),
    (123456789.125, STRING, "1.23456789125E8"),
    (-0.0, STRING, "-0.0"),
    (math.nan, STRING, "NaN"),
    (math.inf, STRING, "Infinity"),
    (Typed(3.4e38, FLOAT), STRING, "3.4E38"),
    (Typed(0.1, FLOAT), STRING, "0.1"),
    (d("1.20"), STRING, "1.20"),
    (date(2021, 9, 24), STRING, "2021-09-24"),
    (time(12, 34, 56), STRING, "12:34:56"),
    (Typed(time(12, 34, 56, 123000), TimeType(3)), STRING, "12:34:56.123"),
    (MOMENT, STRING, "2021-09-24 12:34:56.123456"),
    (datetime(2021, 9, 24), STRING, "2021-09-24 00:00:00.000"),
    (Typed(datetime(2021, 4, 6, 11, 5, 30), TimestampType(0)), VarcharType(19), "2021-04-06 11:05:30"),
    (instant("2021-09-24T12:34:56.123"), STRING, "2021-09-24 12:34:56.123"),
    (days(2), STRING, "+2 00:00:00.000"),
    (months(24), STRING, "+2-00"),
    (months(-13), STRING, "-1-01"),
    (b"hello", STRING, "hello"),
    (ints(1, None), STRING, "[1, NULL]"),
    (mapping({"a": 1, "b": None}), STRING, "{a=1, b=NULL}"),
    (Typed({"a": 1, "b": None}, ROW_TYPE), STRING, "(1, NULL)"),
    (Typed(12334, YearMonthIntervalType()), STRING, "+1027-10"),
    (Typed(123456789, DayTimeIntervalType()), STRING, "+1 10:17:36.789"),
    (Typed(datetime(2021, 9, 24, 12, 34, 56, 123400), TimestampType(4)), STRING, "2021-09-24 12:34:56.1234"),
    ("foo", CharType(5), "foo  "),
    ("foobar", CharType(3), "foo"),
    ("foobar", VarcharType(3), "foo"),
    (12345, VarcharType(3), "123"),
    (True, CharType(5), "TRUE "),
    # bytes
    ("666F", BinaryType(2), b"66"),
    (b"o", BinaryType(2), b"o\0"),
    (b"\0\1\2\3\4", VarbinaryType(4), b"\0\1\2\3"),
    ("foo", BYTES, b"foo"),
    ("foo", BinaryType(5), b"foo\0\0"),
    ("foobar", VarbinaryType(3), b"foo"),
    # times
    ("2021-09-24", DATE, date(2021, 9, 24)),
    ("2021-9-4", DATE, date(2021, 9, 4)),
    ("2021", DATE, date(2021, 1, 1)),
    ("2021-09-24 12:34:56", DATE, date(2021, 9, 24)),
    ("12:34:56", TIME, time(12, 34, 56)),
    ("12:34", TIME, time(12, 34)),
    ("2021-09-24 12:34:56.123456", TIMESTAMP_6, MOMENT),
    ("2021-09-24 12:34:56.123456789", TIMESTAMP_3, datetime(2021, 9, 24, 12, 34, 56, 123000)),
    ("2021-09-24", TIMESTAMP_3, datetime(2021, 9, 24)),
    ("2021-9-4 1:2:3", TIMESTAMP_3, datetime(2021, 9, 4, 1, 2, 3)),
    (date(2021, 9, 24), TIMESTAMP_3, datetime(2021, 9, 24)),
    (MOMENT, DATE, date(2021, 9, 24)),
    (MOMENT, TIME, time(12, 34, 56)),
    (MOMENT, TIMESTAMP_3, datetime(2021, 9, 24, 12, 34, 56, 123000)),
    (time(12, 34, 56), TIMESTAMP_3, datetime(1970, 1, 1, 12, 34, 56)),
    # nested
    (ints(1, None), ArrayType(STRING), ["1", None]),
    (Typed({"a": 1, "b": "2"}, ROW_TYPE), RowType((RowField("x", STRING), RowField("y", INT))), {"x": "1", "y": 2}),
    (null(INT), STRING, None),
    (null(STRING), INT, None),
    (null(INTS), STRING, None),
]


@pytest.mark.parametrize(("value", "target", "expected"), CASTS, ids=lambda item: str(item)[:40])
@pytest.mark.parametrize("cast", [cast_on_literals, cast_on_columns])
def test_a_cast_gives_what_flink_gives(cast: Any, value: Any, target: DataType, expected: Any) -> None:
    actual = cast(value, target)
    assert same(actual, expected), f"{actual!r} is not {expected!r}"


REFUSED: list[tuple[str, DataType]] = [
    ("abc", INT),
    ("", INT),
    ("128", TINYINT),
    ("1e3", INT),
    ("inf", DOUBLE),
    ("nan", DOUBLE),
    ("1_000", SMALLINT),
    ("abc", DecimalType(10, 2)),
    ("12345.6789", DecimalType(8, 4)),
    ("2021/09/27", DATE),
    ("123", TIMESTAMP_3),
    ("2021-09-27 12:34:56.123", TIME),
    ("maybe", BOOLEAN),
    (" true", BOOLEAN),
    ("2021-13-01", DATE),
    ("2021-02-30", DATE),
    ("25:00:00", TIME),
    ("2021-09-24 25:00:00", TIMESTAMP_3),
    ("2021-09-24 12:34:60", TIMESTAMP_3),
    ("yesterday", TIMESTAMP_LTZ_3),
    ("2020-12-31 24:00:01", TIMESTAMP_3),
    ("9999-12-31 24:00:00", TIMESTAMP_3),
    ("24:00:00", TIME),
]


@pytest.mark.parametrize(("text", "target"), REFUSED, ids=str)
def test_a_cast_of_text_that_does_not_fit_fails_the_row(text: str, target: DataType) -> None:
    with pytest.raises(RowError, match="cannot parse") as caught:
        cast_on_columns(text, target)
    assert caught.value.rows.tolist() == [0, 1]


@pytest.mark.parametrize(("text", "target"), REFUSED, ids=str)
@pytest.mark.parametrize("cast", [cast_on_literals, cast_on_columns])
def test_a_try_cast_of_text_that_does_not_fit_is_null(cast: Any, text: str, target: DataType) -> None:
    assert cast(text, target, lenient=True) is None


NESTED = [
    (strings("1", "x"), INTS),
    (Typed([["1"], [], None, ["2", "x"]], ArrayType(STRINGS)), ArrayType(INTS)),
    (Typed([{"key": "k", "value": "x"}], MapType(STRING, STRING)), MapType(STRING, INT)),
    (Typed({"a": "x"}, RowType((RowField("a", STRING),))), RowType((RowField("b", INT),))),
]


@pytest.mark.parametrize(("value", "target"), NESTED, ids=str)
def test_a_part_that_cannot_be_cast_fails_its_row(value: Typed, target: DataType) -> None:
    with pytest.raises(RowError, match="cannot parse 'x' as INT") as caught:
        cast_on_columns(value, target)
    assert caught.value.rows.tolist() == [0, 1]


@pytest.mark.parametrize(("value", "target"), NESTED, ids=str)
@pytest.mark.parametrize("cast", [cast_on_literals, cast_on_columns])
def test_a_try_cast_of_a_part_that_cannot_be_cast_is_null(cast: Any, value: Typed, target: DataType) -> None:
    assert cast(value, target, lenient=True) is None


def test_nan_is_no_decimal() -> None:
    with pytest.raises(RowError, match="NaN"):
        cast_on_columns(math.nan, DecimalType(10, 2))


BERLIN = zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        (datetime(2024, 7, 1, 12), "2024-07-01T10:00:00"),
        (datetime(2024, 1, 1, 12), "2024-01-01T11:00:00"),
        (datetime(2024, 10, 27, 2, 30), "2024-10-27T00:30:00"),
        (datetime(2024, 3, 31, 2, 30), "2024-03-31T01:30:00"),
    ],
    ids=["summer", "winter", "twice: the earlier", "never: counted from before the gap"],
)
def test_a_timestamp_becomes_an_instant_of_the_sessions_zone(local: datetime, utc: str) -> None:
    assert cast_on_columns(local, TIMESTAMP_LTZ_3, BERLIN) == instant(utc)


def test_an_instant_is_written_in_the_sessions_zone() -> None:
    assert cast_on_columns(instant("2024-07-01T10:00:00"), STRING, BERLIN) == "2024-07-01 12:00:00.000"
    assert cast_on_columns(instant("2024-07-01T23:00:00"), DATE, BERLIN) == date(2024, 7, 2)
    assert cast_on_columns("2024-07-01 12:00:00", TIMESTAMP_LTZ_3, BERLIN) == instant("2024-07-01T10:00:00")
    assert cast_on_columns(instant("2024-07-01T10:00:00"), TIMESTAMP_3, zone("+05:30")) == datetime(2024, 7, 1, 15, 30)


@pytest.mark.parametrize(
    ("source", "target"),
    [(INT, DATE), (DATE, INT), (TIMESTAMP_3, BIGINT), (BOOLEAN, DATE), (DATE, TIME), (TIME, DATE), (BYTES, INT)],
    ids=str,
)
def test_a_cast_that_flink_does_not_have_is_refused(source: DataType, target: DataType) -> None:
    assert not supports_cast(source, target)
    with pytest.raises(FunctionError, match="is not possible") as caught:
        bind_cast(Column(source, 0, "x"), target, Position(3, 7))
    assert caught.value.position == Position(3, 7)


def test_decimals_of_all_38_digits_survive() -> None:
    value = Decimal("9" * 38)
    assert cast_on_columns(str(value), DecimalType(38, 0)) == value
    assert cast_on_columns(value, STRING) == str(value)
