"""Expressions whose types and values Apache Flink 2.2 or 2.3 was asked for: `flink_results.tsv` has one a line.

A line is the SQL text, Flink's type, and Flink's value, tab-separated, with \\n, \\t and \\\\ escaped. The columns that
an expression may name are those of COLUMNS.

`flink_casts.tsv` has the casts that Flink 2.2 takes: its first line all types that it was asked for, the others an
expression and those of the types that it can be cast to.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from functions.calls import settings
from riacho.dataflow.columns import polars_type
from riacho.dataflow.expressions import Evaluator
from riacho.plan.expressions import Column, Expression
from riacho.plan.relations import Field, Project, Relation, Scan, Schema, Values
from riacho.plan.types import (
    INT,
    ArrayType,
    BooleanType,
    DataType,
    FloatType,
    MapType,
    RowType,
    TimestampLtzType,
    is_bytes,
    is_text,
)
from riacho.sql.errors import SqlError
from riacho.sql.session import Session

RESULTS = Path(__file__).with_name("flink_results.tsv")
CASTS = Path(__file__).with_name("flink_casts.tsv")

COLUMNS = (
    ("ti", "TINYINT", "42"),
    ("si", "SMALLINT", "-43"),
    ("i", "INT", "7"),
    ("b", "BIGINT", "-44"),
    ("f", "FLOAT", "4.5"),
    ("d", "DOUBLE", "-4.6"),
    ("dec1", "DECIMAL(10, 2)", "12.35"),
    ("dec2", "DECIMAL(38, 19)", "'-1231.1231231231321321111'"),
    ("dec3", "DECIMAL(5, 0)", "123"),
    ("dec4", "DECIMAL(20, 10)", "0.5000000001"),
    ("s", "STRING", "'This is a test String.'"),
    ("s2", "STRING", "' aB1 世界 '"),
    ("es", "STRING", "''"),
    ("num", "STRING", "'12.75'"),
    ("inum", "STRING", "'  -15 '"),
    ("ch", "CHAR(5)", "'ab'"),
    ("vc", "VARCHAR(10)", "'hello'"),
    ("js", "STRING", """'{"a":{"b":[1,2.5,"x",null,true]},"c":"hi"}'"""),
    ("dstr", "STRING", "'1996-11-10'"),
    ("tsstr", "STRING", "'1996-11-10 06:55:44.333'"),
    ("byt", "BYTES", "X'48656c6c6f'"),
    ("bin", "BINARY(4)", "X'0102FF80'"),
    ("bo", "BOOLEAN", "TRUE"),
    ("bf", "BOOLEAN", "FALSE"),
    ("dt", "DATE", "DATE '1996-11-10'"),
    ("tm", "TIME(0)", "TIME '06:55:44'"),
    ("tm3", "TIME(3)", "TIME '23:59:59.999'"),
    ("ts0", "TIMESTAMP(0)", "TIMESTAMP '1996-11-10 06:55:44'"),
    ("ts3", "TIMESTAMP(3)", "TIMESTAMP '1996-11-10 06:55:44.333'"),
    ("ts6", "TIMESTAMP(6)", "TIMESTAMP '1960-02-29 23:59:59.999999'"),
    ("ltz", "TIMESTAMP_LTZ(3)", "TIMESTAMP '2020-02-29 12:00:00.123'"),
    ("ni", "INT", "NULL"),
    ("ns", "STRING", "NULL"),
    ("nd", "DOUBLE", "NULL"),
    ("ndec", "DECIMAL(10, 2)", "NULL"),
    ("nb", "BOOLEAN", "NULL"),
    ("nts", "TIMESTAMP(3)", "NULL"),
    ("nby", "BYTES", "NULL"),
    ("ndt", "DATE", "NULL"),
    ("maxi", "INT", "2147483647"),
    ("minb", "BIGINT", "-9223372036854775808"),
    ("zi", "INT", "0"),
    ("zd", "DOUBLE", "0"),
    ("nan", "DOUBLE", "'NaN'"),
    ("inf", "DOUBLE", "'Infinity'"),
    ("nni", "INT NOT NULL", "5"),
    ("nns", "STRING NOT NULL", "'abc'"),
    ("nnd", "DOUBLE NOT NULL", "2.5"),
    ("nnts", "TIMESTAMP(3) NOT NULL", "TIMESTAMP '2024-01-31 10:20:30.456'"),
    ("nndec", "DECIMAL(10, 2) NOT NULL", "3.14"),
    ("nnbo", "BOOLEAN NOT NULL", "TRUE"),
    ("ai", "ARRAY<INT>", "ARRAY[3, 1, CAST(NULL AS INT), 2, 1]"),
    ("astr", "ARRAY<STRING>", "ARRAY[CAST('b' AS STRING), 'a', CAST(NULL AS STRING)]"),
    ("m", "MAP<STRING, INT>", "MAP[CAST('k' AS STRING), 1, 'j', CAST(NULL AS INT)]"),
    ("r", "ROW<x INT, y STRING>", "ROW(1, 'q')"),
    ("nai", "ARRAY<INT>", "CAST(NULL AS ARRAY<INT>)"),
    ("nm", "MAP<STRING, INT>", "CAST(NULL AS MAP<STRING, INT>)"),
    ("ead", "ARRAY<DOUBLE>", "ARRAY[CAST(1.5 AS DOUBLE), CAST(-2 AS DOUBLE)]"),
    ("aai", "ARRAY<ARRAY<INT>>", "ARRAY[ARRAY[1, 2], ARRAY[3]]"),
)

_ONE_ROW = Schema((Field("row", INT),))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t", "r": "\r"}.get(found[1], found[1]), text)


def _lines() -> Iterator[tuple[str, str, str]]:
    for line in RESULTS.read_text(encoding="utf-8").split("\n"):
        if line:
            text, kind, value = map(_unescaped, line.split("\t"))
            yield text, kind, value


def _column(relation: Relation) -> tuple[Expression, Schema]:
    """The query's only column, and the schema that it reads."""
    match relation:
        case Values(rows=((literal,),)):
            return literal, _ONE_ROW
        case Scan():
            (field,) = relation.schema.fields
            return Column(field.type, 0, field.name), relation.schema
        case Project(expressions=(expression,)):
            below = relation.input.schema
            return expression, below if below.fields else _ONE_ROW
    raise AssertionError(f"unexpected {relation}")


def _value(relation: Relation, frame: pl.DataFrame) -> Any:
    expression, schema = _column(relation)
    return Evaluator([expression], ["x"], schema, settings()).evaluate_frame(frame)["x"].to_list()[0]


@cache
def _table() -> tuple[Session, pl.DataFrame]:
    """A session with the table t of COLUMNS, and its only row."""
    session = Session()
    frame = pl.DataFrame({"row": pl.Series([0], dtype=pl.Int32)})
    for name, kind, text in COLUMNS:
        relation = session.query(f"SELECT CAST({text} AS {kind.removesuffix(' NOT NULL')})")
        expression, _ = _column(relation)
        column = pl.Series(name, [_value(relation, frame)], dtype=polars_type(expression.type))
        frame = frame.with_columns(column)
    declared = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
    session.execute(f"CREATE TABLE t ({declared}) WITH ('connector' = 'datagen');")
    return session, frame


def _shown(value: Any, kind: DataType) -> str:
    """A value as the lines have it."""
    if value is None:
        return "NULL"
    if is_bytes(kind):
        return f"x{value.hex()}"
    if is_text(kind):
        return f"'{value}'"
    match kind:
        case BooleanType():
            return str(value).lower()
        case TimestampLtzType():
            return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
        case ArrayType(element=element):
            return f"[{', '.join(_shown(item, element) for item in value)}]"
        case RowType(fields=fields):
            return f"({', '.join(_shown(value[field.name], field.type) for field in fields)})"
        case MapType(key=key, value=item):
            entries = {_shown(entry["key"], key): _shown(entry["value"], item) for entry in value}
            return f"{{{', '.join(f'{name}={entries[name]}' for name in sorted(entries))}}}"
    if isinstance(value, Decimal):
        return f"d{value:f}"
    if isinstance(value, datetime | time):
        return value.isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else str(value)


_NUMBER = re.compile(r"[-+]?(?:NaN|nan|Infinity|inf|\d[\d.]*(?:[eE][-+]?\d+)?)")
_MOMENT = re.compile(r"(\d\d:\d\d)(:\d\d)?(?:\.(\d+))?")


def _whole_moment(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2] or ':00'}.{(found[3] or '').ljust(6, '0')[:6]}"


def _agree(actual: str, expected: str, kind: DataType) -> bool:
    """Equal text; floating-point numbers to their last digits, moments however many zeros end them."""
    if actual == expected:
        return True
    if "TIME" in str(kind):
        return _MOMENT.sub(_whole_moment, actual) == _MOMENT.sub(_whole_moment, expected)
    if "DOUBLE" in str(kind) or "FLOAT" in str(kind):
        digits = 1e-6 if "FLOAT" in str(kind) or (isinstance(kind, FloatType) and kind.bits == 32) else 1e-13
        pairs = zip(map(float, _NUMBER.findall(actual)), map(float, _NUMBER.findall(expected)), strict=True)
        return all((math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=digits) for a, b in pairs)
    return False


@pytest.mark.parametrize(("text", "kind", "value"), list(_lines()))
def test_an_expression_is_what_flink_says(text: str, kind: str, value: str) -> None:
    session, frame = _table()
    relation = session.query(f"SELECT {text} FROM t")
    expression, _ = _column(relation)
    assert str(expression.type) == kind
    actual = _shown(_value(relation, frame), expression.type)
    assert _agree(actual, value, expression.type), f"{actual} is not {value}"


def _casts() -> Iterator[tuple[str, list[str]]]:
    for line in CASTS.read_text(encoding="utf-8").splitlines():
        text, targets = line.split("\t")
        yield text, targets.split("; ")


(_, TARGETS), *TAKEN = _casts()


NO_CAST = re.compile("is not possible|cannot be cast to")


def _refusal(text: str) -> str | None:
    session, _ = _table()
    try:
        session.query(f"SELECT {text} FROM t")
    except SqlError as error:
        return error.what
    return None


@pytest.mark.parametrize("word", ["CAST", "TRY_CAST"])
@pytest.mark.parametrize(("text", "taken"), TAKEN)
def test_an_expression_can_be_cast_to_what_flink_casts_it_to(text: str, taken: list[str], word: str) -> None:
    refusals = {target: _refusal(f"{word}({text} AS {target})") for target in TARGETS}
    assert [target for target, refusal in refusals.items() if refusal is None] == taken
    assert all(NO_CAST.search(refusal) for refusal in refusals.values() if refusal is not None)
