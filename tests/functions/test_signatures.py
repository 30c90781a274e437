"""The types of calls, the casts that the binder inserts, and what it says of calls that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from riacho.plan.expressions import Call, Cast, Column, Expression, Literal, Position
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
    CharType,
    DataType,
    DayTimeIntervalType,
    DecimalType,
    MapType,
    NullType,
    RowField,
    RowType,
    TimestampLtzType,
    VarcharType,
    YearMonthIntervalType,
)
from riacho.sql.functions import (
    FunctionError,
    bind,
    bind_case,
    bind_cast,
    casts_implicitly,
    common_type,
    infer_aggregate,
    lookup,
)
from riacho.sql.functions.documentation import page

NULL = Literal(NullType(), None)
YEAR = Literal(STRING.with_nullable(False), "YEAR")
HOUR = Literal(STRING.with_nullable(False), "HOUR")
NAME = Literal(STRING.with_nullable(False), "f")
ROW = RowType((RowField("f", INT.with_nullable(False)),))


def column(data_type: DataType) -> Column:
    return Column(data_type, 0, "c")


def sure(data_type: DataType) -> Column:
    """A column that is NOT NULL."""
    return column(data_type.with_nullable(False))


def argument(item: DataType | Expression) -> Expression:
    return column(item) if isinstance(item, DataType) else item


RESULTS: list[tuple[str, tuple[DataType | Expression, ...], str]] = [
    ("+", (INT, TINYINT), "INT"),
    ("+", (TINYINT, TINYINT), "TINYINT"),
    ("+", (SMALLINT, BIGINT), "BIGINT"),
    ("+", (sure(INT), sure(INT)), "INT NOT NULL"),
    ("+", (INT, FLOAT), "FLOAT"),
    ("+", (DecimalType(10, 2), DOUBLE), "DOUBLE"),
    ("+", (INT, DecimalType(5, 2)), "DECIMAL(13, 2)"),
    ("+", (DecimalType(38, 10), DecimalType(38, 10)), "DECIMAL(38, 9)"),
    ("*", (DecimalType(10, 2), DecimalType(10, 2)), "DECIMAL(21, 4)"),
    ("*", (DecimalType(38, 18), DecimalType(38, 18)), "DECIMAL(38, 6)"),
    ("/", (DecimalType(10, 2), DecimalType(10, 2)), "DECIMAL(23, 13)"),
    ("/", (INT, INT), "INT"),
    ("%", (DecimalType(10, 2), DecimalType(5, 3)), "DECIMAL(5, 3)"),
    ("MOD", (BIGINT, INT), "INT"),
    ("-", (DecimalType(5, 2),), "DECIMAL(5, 2)"),
    ("+", (TIMESTAMP_3, DayTimeIntervalType()), "TIMESTAMP(3)"),
    ("+", (DATE, Literal(DayTimeIntervalType(), 86_400_000)), "DATE"),
    ("+", (DATE, Literal(DayTimeIntervalType(), 3_600_000)), "DATE"),
    ("-", (DATE, YearMonthIntervalType()), "DATE"),
    ("CEIL", (DecimalType(10, 2),), "DECIMAL(10, 0)"),
    ("ROUND", (DecimalType(5, 4), Literal(INT, 3)), "DECIMAL(5, 3)"),
    ("ROUND", (DecimalType(5, 4),), "DECIMAL(2, 0)"),
    ("ROUND", (TINYINT,), "TINYINT"),
    ("SQRT", (INT,), "DOUBLE"),
    ("=", (INT, BIGINT), "BOOLEAN"),
    ("=", (sure(INT), sure(INT)), "BOOLEAN NOT NULL"),
    ("IS NULL", (INT,), "BOOLEAN NOT NULL"),
    ("||", (CharType(2), CharType(3)), "CHAR(5)"),
    ("||", (VarcharType(2), CharType(3)), "VARCHAR(5)"),
    ("||", (STRING, CharType(3)), "STRING"),
    ("UPPER", (sure(CharType(3)),), "CHAR(3) NOT NULL"),
    ("SUBSTRING", (sure(STRING), sure(INT)), "STRING"),
    ("CHAR_LENGTH", (STRING,), "INT"),
    ("EXTRACT", (YEAR, DATE), "BIGINT"),
    ("TIMESTAMPDIFF", (HOUR, DATE, TIMESTAMP_3), "INT"),
    ("TIMESTAMPADD", (HOUR, INT, DATE), "TIMESTAMP(6)"),
    ("TIMESTAMPADD", (YEAR, INT, DATE), "DATE"),
    ("FLOOR", (TIMESTAMP_LTZ_3, HOUR), "TIMESTAMP_LTZ(3)"),
    ("TO_TIMESTAMP", (STRING,), "TIMESTAMP(3)"),
    ("CURRENT_TIMESTAMP", (), "TIMESTAMP_LTZ(3) NOT NULL"),
    ("CURRENT_WATERMARK", (TimestampLtzType(6),), "TIMESTAMP_LTZ(3)"),
    ("COALESCE", (INT, sure(BIGINT)), "BIGINT NOT NULL"),
    ("COALESCE", (NULL, INT), "INT"),
    ("IFNULL", (INT, sure(INT)), "INT NOT NULL"),
    ("NULLIF", (sure(INT), sure(INT)), "INT"),
    ("IF", (BOOLEAN, sure(INT), sure(BIGINT)), "BIGINT"),
    ("IF", (sure(BOOLEAN), sure(INT), sure(BIGINT)), "BIGINT NOT NULL"),
    ("IF", (sure(BOOLEAN), sure(INT), BIGINT), "BIGINT"),
    ("IF", (BOOLEAN, sure(INT), sure(INT)), "INT"),
    ("GREATEST", (INT, DecimalType(5, 2)), "DECIMAL(12, 2)"),
    ("ARRAY", (sure(INT), sure(BIGINT)), "ARRAY<BIGINT NOT NULL> NOT NULL"),
    ("MAP", (STRING, INT), "MAP<STRING, INT> NOT NULL"),
    ("ROW", (INT, sure(STRING)), "ROW<`EXPR$0` INT, `EXPR$1` STRING NOT NULL> NOT NULL"),
    ("ITEM", (ArrayType(INT.with_nullable(False)), INT), "INT"),
    ("ITEM", (MapType(STRING, DOUBLE), CharType(1)), "DOUBLE"),
    ("FIELD", (ROW, NAME), "INT"),
    ("FIELD", (sure(ROW), NAME), "INT NOT NULL"),
    ("CARDINALITY", (ArrayType(INT),), "INT"),
    ("ARRAY_CONTAINS", (ArrayType(BIGINT), INT), "BOOLEAN"),
    ("ARRAY_APPEND", (ArrayType(DecimalType(2, 1)), INT), "ARRAY<DECIMAL(2, 1)>"),
    ("ARRAY_APPEND", (sure(ArrayType(INT.with_nullable(False))), INT), "ARRAY<INT>"),
    ("ARRAY_REMOVE", (sure(ArrayType(STRING.with_nullable(False))), STRING), "ARRAY<STRING NOT NULL> NOT NULL"),
    ("IS JSON", (STRING,), "BOOLEAN NOT NULL"),
    ("JSON_VALUE", (STRING, Literal(STRING, "$.a"), Literal(INT, None)), "INT"),
]


@pytest.mark.parametrize(("function", "arguments", "expected"), RESULTS, ids=str)
def test_a_call_has_flinks_type(function: str, arguments: tuple[DataType | Expression, ...], expected: str) -> None:
    assert str(bind(function, tuple(map(argument, arguments))).type) == expected


def test_arguments_are_cast_to_what_the_function_takes() -> None:
    call = bind("+", (column(INT), column(BIGINT)))
    assert isinstance(call, Call)
    assert call.arguments == (Cast(BIGINT, column(INT)), column(BIGINT))


def test_a_literal_is_converted_when_it_is_bound() -> None:
    call = bind("<", (column(BIGINT), Literal(INT.with_nullable(False), 5)))
    assert isinstance(call, Call)
    assert call.arguments[1] == Literal(BIGINT.with_nullable(False), 5)


def test_a_time_is_compared_with_a_string_as_a_time() -> None:
    call = bind("=", (column(DATE), Literal(STRING, "2020-01-01")))
    assert isinstance(call, Call)
    assert [operand.type for operand in call.arguments] == [DATE, DATE]


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ([INT, SMALLINT], "INT"),
        ([FLOAT, DOUBLE, INT], "DOUBLE"),
        ([FLOAT, DecimalType(5, 2)], "DOUBLE"),
        ([DecimalType(38, 0), DecimalType(38, 18)], "DECIMAL(38, 0)"),
        ([DecimalType(38, 10), DecimalType(38, 20)], "DECIMAL(38, 10)"),
        ([CharType(3), CharType(3)], "CHAR(3)"),
        ([CharType(3), CharType(5)], "VARCHAR(5)"),
        ([DATE, TIMESTAMP_3], "TIMESTAMP(3)"),
        ([TIMESTAMP_3, TIMESTAMP_6], "TIMESTAMP(6)"),
        ([TIMESTAMP_3, TIMESTAMP_LTZ_3], "TIMESTAMP_LTZ(3)"),
        ([ArrayType(INT), ArrayType(BIGINT)], "ARRAY<BIGINT>"),
        ([INT, NullType()], "INT"),
    ],
    ids=str,
)
def test_several_types_have_a_common_one(types: list[DataType], expected: str) -> None:
    assert str(common_type(types)) == expected


@pytest.mark.parametrize(("one", "other"), [(INT, STRING), (BOOLEAN, INT), (DATE, TIME), (BYTES, STRING)], ids=str)
def test_other_types_have_none(one: DataType, other: DataType) -> None:
    assert common_type([one, other]) is None


@pytest.mark.parametrize(
    ("source", "target", "possible"),
    [
        (INT, BIGINT, True),
        (BIGINT, INT, False),
        (INT, DecimalType(10, 0), True),
        (DOUBLE, DecimalType(38, 10), False),
        (DecimalType(5, 2), DOUBLE, True),
        (INT, STRING, False),
        (CharType(3), STRING, True),
        (DATE, TIMESTAMP_3, True),
        (TIMESTAMP_3, DATE, False),
        (NullType(), INT, True),
    ],
    ids=str,
)
def test_a_value_is_cast_unasked_only_where_nothing_is_lost(source: DataType, target: DataType, possible: bool) -> None:
    assert casts_implicitly(source, target) is possible


def test_case_has_the_common_type_of_its_results() -> None:
    made = bind_case(((column(BOOLEAN), sure(INT)),), sure(BIGINT))
    assert str(made.type) == "BIGINT NOT NULL"
    assert str(bind_case(((column(BOOLEAN), sure(INT)),), None).type) == "INT"


def test_a_cast_to_the_same_type_is_no_cast() -> None:
    assert bind_cast(column(INT), INT) == column(INT)
    assert str(bind_cast(sure(STRING), INT, lenient=True).type) == "INT"


AGGREGATES: list[tuple[str, tuple[DataType, ...], bool, str]] = [
    ("COUNT", (), True, "BIGINT NOT NULL"),
    ("COUNT", (STRING,), False, "BIGINT NOT NULL"),
    ("SUM", (INT.with_nullable(False),), True, "INT NOT NULL"),
    ("SUM", (INT.with_nullable(False),), False, "INT"),
    ("SUM", (DecimalType(10, 2),), True, "DECIMAL(38, 2)"),
    ("SUM", (FLOAT,), True, "FLOAT"),
    ("AVG", (INT,), True, "INT"),
    ("AVG", (DecimalType(10, 2),), True, "DECIMAL(38, 6)"),
    ("MIN", (STRING,), True, "STRING"),
    ("MAX", (TIMESTAMP_3.with_nullable(False),), True, "TIMESTAMP(3) NOT NULL"),
]


@pytest.mark.parametrize(("function", "arguments", "grouped", "expected"), AGGREGATES, ids=str)
def test_an_aggregate_has_flinks_type(
    function: str, arguments: tuple[DataType, ...], grouped: bool, expected: str
) -> None:
    columns = tuple(map(column, arguments))
    assert str(infer_aggregate(function, columns, grouped=grouped).result) == expected


def test_an_aggregate_with_a_filter_may_be_null() -> None:
    assert str(infer_aggregate("SUM", (column(INT.with_nullable(False)),), grouped=True, filtered=True).result) == "INT"


WRONG: list[tuple[str, tuple[DataType | Expression, ...], str]] = [
    ("UPPRE", (STRING,), "there is no function UPPRE\n  at line 4, column 2\n  did you mean UPPER?"),
    ("UPPER", (), "UPPER takes 1 argument, not 0\n  at line 4, column 2\n  write it as UPPER(string)"),
    ("UPPER", (INT,), "UPPER does not take INT as argument 1"),
    ("CONCAT", (STRING, INT), "CONCAT does not take INT as argument 2"),
    ("+", (INT, STRING), "+ does not take INT and STRING"),
    ("=", (INT, STRING), "= cannot compare INT and STRING"),
    ("=", (DATE, TIMESTAMP_3), "= cannot compare DATE and TIMESTAMP(3)"),
    ("<", (ArrayType(INT), ArrayType(INT)), "< cannot order values of ARRAY<INT>"),
    ("COALESCE", (INT, STRING), "the arguments of COALESCE have no common type: INT, STRING"),
    ("GREATEST", (ArrayType(INT), ArrayType(INT)), "GREATEST cannot order values of ARRAY<INT>"),
    ("ARRAY_MAX", (ArrayType(ROW),), "ARRAY_MAX does not take ARRAY<ROW<"),
    ("ARRAY_MIN", (ArrayType(BOOLEAN),), "ARRAY_MIN does not take ARRAY<BOOLEAN>"),
    ("ARRAY_SORT", (ArrayType(ArrayType(INT)),), "ARRAY_SORT does not take ARRAY<ARRAY<INT>>"),
    ("ARRAY_CONTAINS", (ArrayType(INT), BIGINT), "ARRAY_CONTAINS does not take BIGINT beside ARRAY<INT>"),
    ("ARRAY_APPEND", (ArrayType(CharType(1)), STRING), "ARRAY_APPEND does not take STRING beside ARRAY<CHAR(1)>"),
    ("ARRAY_REMOVE", (ArrayType(FLOAT), DOUBLE), "ARRAY_REMOVE does not take DOUBLE beside ARRAY<FLOAT>"),
    ("JSON_STRING", (ArrayType(MapType(INT, STRING)),), "JSON_STRING does not take ARRAY<MAP<INT, STRING>>"),
    ("STR_TO_MAP", (STRING, STRING), "STR_TO_MAP takes both delimiters or none"),
    ("TIMESTAMPDIFF", (HOUR, TIMESTAMP_LTZ_3, TIMESTAMP_3), "TIMESTAMPDIFF lies between two instants or none"),
    ("EXTRACT", (YEAR, TIME), "a TIME(0) has no YEAR"),
    ("EXTRACT", (Literal(STRING, "FORTNIGHT"), DATE), "EXTRACT has no unit FORTNIGHT"),
    ("FIELD", (ROW, Literal(STRING, "g")), "the row has no field g"),
    ("JSON_VALUE", (STRING, STRING), "the path of JSON_VALUE must be a literal"),
    ("ITEM", (ArrayType(INT), Literal(INT, 0)), "array elements are counted from 1"),
]


@pytest.mark.parametrize(("function", "arguments", "message"), WRONG, ids=str)
def test_a_call_that_cannot_be_is_explained(
    function: str, arguments: tuple[DataType | Expression, ...], message: str
) -> None:
    with pytest.raises(FunctionError) as caught:
        bind(function, tuple(map(argument, arguments)), Position(4, 2))
    assert str(caught.value).startswith(message)
    assert caught.value.position == Position(4, 2)


def test_sum_of_text_is_refused() -> None:
    with pytest.raises(FunctionError, match="SUM does not take STRING"):
        infer_aggregate("SUM", (column(STRING),), grouped=True)


def test_names_are_found_in_any_case_and_by_alias() -> None:
    assert lookup("substr") is lookup("SUBSTRING")


def test_the_page_of_functions_is_the_registrys() -> None:
    kept = Path(__file__).parents[2] / "docs" / "sql" / "functions.md"
    assert kept.read_text(encoding="utf-8") == page(), (
        "python -m riacho.sql.functions.documentation docs/sql/functions.md"
    )
