"""DuckDB's answer to an aggregate over a table of rows, under Flink's rules for types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache
from typing import Any

import duckdb
from changelogs import comparable

from riacho.plan.expressions import AggregateCall
from riacho.plan.relations import Schema
from riacho.plan.types import DataType, DecimalType, IntegerType, TimestampLtzType, TimestampType, is_text


@cache
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect(":memory:", config={"threads": 1})
    made.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'")  # as in Flink
    return made


def load(name: str, schema: Schema, rows: Sequence[tuple[Any, ...]]) -> None:
    """Make a table of these rows."""
    columns = ", ".join(f'"{item.name}" {duckdb_type(item.type)}' for item in schema)
    connection().execute(f'CREATE OR REPLACE TABLE "{name}" ({columns})')
    if rows:
        marks = f"({', '.join('?' * len(schema))})"
        values = [value for row in rows for value in row]
        connection().execute(f'INSERT INTO "{name}" VALUES {", ".join([marks] * len(rows))}', values)


def duckdb_type(kind: DataType) -> str:
    if is_text(kind):
        return "VARCHAR"
    if isinstance(kind, TimestampLtzType):
        return "TIMESTAMPTZ"
    if isinstance(kind, TimestampType):
        return "TIMESTAMP"
    return kind.name()


def query(sql: str) -> Counter[tuple[Any, ...]]:
    """The rows of a query's result and how often each occurs."""
    return Counter(comparable(row) for row in connection().execute(sql).fetchall())


def grouped(
    table: str, keys: Sequence[str], calls: Sequence[AggregateCall], having_rows: bool = True
) -> Counter[tuple[Any, ...]]:
    """GROUP BY in DuckDB, its sums and counts turned into what Flink's types make of them."""
    columns = [f'"{key}"' for key in keys]
    for item in calls:
        columns += _raw(item)
    groups = f"GROUP BY {', '.join(columns[: len(keys)])}" if keys else ""
    having = "HAVING count(*) > 0" if having_rows else ""
    rows = connection().execute(f'SELECT {", ".join(columns)} FROM "{table}" {groups} {having}').fetchall()
    answer: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        values = list(row[: len(keys)])
        for place, item in enumerate(calls):
            values.append(_finished(item, *row[len(keys) + 2 * place : len(keys) + 2 * place + 2]))
        answer[comparable(values)] += 1
    return answer


def _raw(item: AggregateCall) -> list[str]:
    """Two columns per call: SUM and COUNT for AVG; the value and nothing for the others."""
    inner = f'"{item.arguments[0].name}"' if item.arguments else "*"
    distinct = "DISTINCT " if item.distinct else ""
    condition = f' FILTER (WHERE "{item.filter.name}")' if item.filter is not None else ""
    function = "SUM" if item.function == "AVG" else item.function
    return [f"{function}({distinct}{inner}){condition}", f"COUNT({distinct}{inner}){condition}"]


def _finished(item: AggregateCall, value: Any, count: int) -> Any:
    if value is None or item.function not in ("SUM", "AVG"):
        return value
    if isinstance(item.type, IntegerType):
        bits = item.type.bits
        if item.function == "SUM":
            return _wrapped(value, bits)
        total = _wrapped(value, 64)
        return _wrapped(abs(total) // count * (1 if total >= 0 else -1), bits)
    if isinstance(item.type, DecimalType):
        with localcontext(prec=76):
            exact = Decimal(value) if item.function == "SUM" else Decimal(value) / count
            return exact.quantize(Decimal(1).scaleb(-item.type.scale), ROUND_HALF_UP)
    return value / count if item.function == "AVG" else value


def _wrapped(value: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return (int(value) + half) % (1 << bits) - half
