"""The types of aggregate calls are those that Flink 2.2 describes for the same queries."""

from __future__ import annotations

import logging

import pytest

from riacho.sql.session import Session

TABLE = """
CREATE TABLE t (
  k STRING, i INT, b BIGINT NOT NULL, ti TINYINT, d DECIMAL(10, 2), w DECIMAL(30, 10), f FLOAT, x DOUBLE, s STRING,
  c CHAR(3), nn STRING NOT NULL
) WITH ('connector' = 'kafka');
"""
GROUPED = {
    "STDDEV(i)": "INT",
    "STDDEV_POP(b)": "BIGINT NOT NULL",
    "STDDEV_SAMP(ti)": "TINYINT",
    "VAR_POP(d)": "DECIMAL(38, 6)",
    "VAR_SAMP(w)": "DECIMAL(38, 10)",
    "VARIANCE(f)": "FLOAT",
    "VAR_POP(x)": "DOUBLE",
    "VAR_SAMP(b)": "BIGINT NOT NULL",
    "STDDEV_POP(b) FILTER (WHERE i > 0)": "BIGINT",
    "AVG(w)": "DECIMAL(38, 10)",
    "LISTAGG(s)": "STRING",
    "LISTAGG(nn)": "STRING NOT NULL",
    "LISTAGG(c, '|')": "CHAR(3)",
    "COLLECT(i)": "MULTISET<INT> NOT NULL",
    "COLLECT(b)": "MULTISET<BIGINT NOT NULL> NOT NULL",
    "ARRAY_AGG(i)": "ARRAY<INT>",
    "ARRAY_AGG(b)": "ARRAY<BIGINT NOT NULL> NOT NULL",
    "ARRAY_AGG(i) IGNORE NULLS": "ARRAY<INT>",
    "FIRST_VALUE(i)": "INT",
    "LAST_VALUE(b)": "BIGINT NOT NULL",
    "COUNT(DISTINCT i)": "BIGINT NOT NULL",
    "PERCENTILE(b, 0.5)": "DOUBLE",
    "PERCENTILE(d, ARRAY[0.25, 1], b)": "ARRAY<DOUBLE>",
    "JSON_OBJECTAGG(KEY nn VALUE i)": "VARCHAR(2000) NOT NULL",
    "JSON_ARRAYAGG(s NULL ON NULL)": "VARCHAR(2000) NOT NULL",
    "GROUPING(k)": "BIGINT NOT NULL",
    "GROUP_ID()": "BIGINT NOT NULL",
}
GLOBAL = {
    "STDDEV_POP(b)": "BIGINT",
    "SUM(b)": "BIGINT",
    "COUNT(b)": "BIGINT NOT NULL",
    "FIRST_VALUE(b)": "BIGINT",
    "LISTAGG(nn)": "STRING NOT NULL",
    "COLLECT(b)": "MULTISET<BIGINT NOT NULL> NOT NULL",
    "ARRAY_AGG(b)": "ARRAY<BIGINT NOT NULL> NOT NULL",
}


def described(query: str) -> list[str]:
    session = Session()
    session.execute(TABLE)
    return [str(item.type) for item in session.query(query).schema]


@pytest.mark.parametrize(("call", "expected"), GROUPED.items())
def test_a_call_of_a_group_has_flinks_type(call: str, expected: str) -> None:
    assert described(f"SELECT {call} FROM t GROUP BY k") == [expected]


@pytest.mark.parametrize(("call", "expected"), GLOBAL.items())
def test_a_call_without_groups_has_flinks_type(call: str, expected: str) -> None:
    assert described(f"SELECT {call} FROM t") == [expected]


def test_a_key_that_a_grouping_set_leaves_out_may_be_null() -> None:
    query = "SELECT nn, b, COUNT(*), SUM(b) FROM t GROUP BY GROUPING SETS ((nn, b), (nn))"
    assert described(query) == ["STRING NOT NULL", "BIGINT", "BIGINT NOT NULL", "BIGINT NOT NULL"]


def test_an_extension_warns(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert described("SELECT APPROX_COUNT_DISTINCT(s) FROM t") == ["BIGINT NOT NULL"]
    assert "line 1, column 8: APPROX_COUNT_DISTINCT is an extension" in caplog.text
