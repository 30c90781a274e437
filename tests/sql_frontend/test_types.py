"""Flink's types: as they are written, and as expressions and aggregates have them."""

from __future__ import annotations

import pytest

from riacho.sql.session import Session
from sql_frontend.catalog import types


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("BOOLEAN", "BOOLEAN"),
        ("INTEGER", "INT"),
        ("DOUBLE PRECISION", "DOUBLE"),
        ("FLOAT NOT NULL", "FLOAT NOT NULL"),
        ("DEC(5)", "DECIMAL(5, 0)"),
        ("NUMERIC(12, 3)", "DECIMAL(12, 3)"),
        ("DECIMAL", "DECIMAL(10, 0)"),
        ("CHAR", "CHAR(1)"),
        ("VARCHAR", "STRING"),
        ("CHARACTER VARYING(7)", "VARCHAR(7)"),
        ("VARCHAR(0)", "VARCHAR(0)"),
        ("CHAR(0)", "CHAR(0)"),
        ("BINARY(0)", "BINARY(0)"),
        ("BYTES", "BYTES"),
        ("VARBINARY(4)", "VARBINARY(4)"),
        ("TIME", "TIME(0)"),
        ("TIME(3) WITHOUT TIME ZONE", "TIME(3)"),
        ("TIMESTAMP", "TIMESTAMP(6)"),
        ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ(3)"),
        ("TIMESTAMP_LTZ(3)", "TIMESTAMP_LTZ(3)"),
        ("INT ARRAY", "ARRAY<INT>"),
        ("ARRAY<STRING NOT NULL>", "ARRAY<STRING NOT NULL>"),
        ("MAP<STRING, ARRAY<INT>>", "MAP<STRING, ARRAY<INT>>"),
        ("ROW<a INT, `b c` STRING 'a comment'>", "ROW<`a` INT, `b c` STRING>"),
        ("ROW(a INT, b ROW<c DATE>)", "ROW<`a` INT, `b` ROW<`c` DATE>>"),
    ],
)
def test_a_type_is_read_with_its_synonyms_and_parameters(written: str, meant: str) -> None:
    session = Session()
    session.execute(f"CREATE TABLE t (x {written}) WITH ('connector' = 'datagen')")
    assert str(session.catalog.tables["t"].column("x").type) == meant


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("n + b", "BIGINT"),
        ("n / 2", "INT"),
        ("b % n", "INT"),
        ("amount + 1", "DECIMAL(13, 2)"),
        ("amount * 1.5", "DECIMAL(13, 3)"),
        ("0.5", "DECIMAL(2, 1) NOT NULL"),
        (".5", "DECIMAL(1, 1) NOT NULL"),
        ("-.25", "DECIMAL(2, 2) NOT NULL"),
        (".5e1", "DOUBLE NOT NULL"),
        ("ratio * amount", "DOUBLE"),
        ("CAST(n AS DECIMAL(5, 1)) / 3", "DECIMAL(16, 12)"),
        ("s || 'x'", "STRING"),
        ("ts + INTERVAL '1' HOUR", "TIMESTAMP(3)"),
        ("d + INTERVAL '2' DAY", "DATE"),
        ("CASE WHEN n > 1 THEN 'a' ELSE 'bcd' END", "VARCHAR(3) NOT NULL"),
        ("CASE WHEN n > 1 THEN 1 END", "INT"),
        ("extra.note.text", "STRING"),
        ("tags[1]", "STRING"),
        ("counts['x']", "INT"),
        ("n IS NULL", "BOOLEAN NOT NULL"),
        ("n = 1", "BOOLEAN"),
        ("n IN (1, 2)", "BOOLEAN"),
        ("TRY_CAST(s AS INT)", "INT"),
        ("CURRENT_WATERMARK(ts)", "TIMESTAMP(3)"),
        ("3000000000", "BIGINT NOT NULL"),
        ("12.50", "DECIMAL(4, 2) NOT NULL"),
        ("1e3", "DOUBLE NOT NULL"),
        ("DATE '2013-02-08'", "DATE NOT NULL"),
        ("TIMESTAMP '2013-02-08 10:00:00.123'", "TIMESTAMP(3) NOT NULL"),
        ("ROW(1, 'a')", "ROW<`EXPR$0` INT NOT NULL, `EXPR$1` CHAR(1) NOT NULL> NOT NULL"),
    ],
)
def test_an_expression_has_flinks_type(expression: str, result: str) -> None:
    source = "numbers CROSS JOIN bids" if "CURRENT_WATERMARK" not in expression else "bids"
    assert types(f"SELECT {expression} FROM {source}") == [result]


@pytest.mark.parametrize(
    ("call", "grouped", "alone"),
    [
        ("COUNT(*)", "BIGINT NOT NULL", "BIGINT NOT NULL"),
        ("COUNT(DISTINCT bidder)", "BIGINT NOT NULL", "BIGINT NOT NULL"),
        ("SUM(price)", "BIGINT", "BIGINT"),
        ("SUM(1)", "INT NOT NULL", "INT"),
        ("SUM(1) FILTER (WHERE `open`)", "INT", "INT"),
        ("SUM(amount)", "DECIMAL(38, 2)", "DECIMAL(38, 2)"),
        ("AVG(price)", "BIGINT", "BIGINT"),
        ("AVG(amount)", "DECIMAL(38, 6)", "DECIMAL(38, 6)"),
        ("MAX(channel)", "STRING", "STRING"),
    ],
)
def test_an_aggregate_has_flinks_type(call: str, grouped: str, alone: str) -> None:
    assert types(f"SELECT {call} FROM bids GROUP BY auction") == [grouped]
    assert types(f"SELECT {call} FROM bids") == [alone]
