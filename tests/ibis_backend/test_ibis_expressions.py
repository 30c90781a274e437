"""The same Ibis expression here and on DuckDB gives the same rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb
import ibis
import polars as pl
import pytest
from ibis import _

import riacho.ibis
from running_broker import RunningBroker

ORDERS = pl.DataFrame(
    {
        "id": [1, 2, 3, 4, 5, 6, 7, 8],
        "customer": [10, 20, 10, None, 30, 20, 10, 40],
        "city": ["Rio", "Lima", "Rio", "Quito", None, "Lima", "Santiago", "Rio"],
        "price": [1.5, 2.25, None, 4.0, 8.5, 2.25, 0.0, -3.75],
        "quantity": [3, 1, 4, 1, 5, 9, 2, 6],
        "open": [True, False, None, True, True, False, False, True],
        "ts": [f"2024-02-{day} {time}" for day in (28, 29) for time in ("00:00", "05:30", "12:00", "23:30")],
    },
).with_columns(pl.col("ts").str.to_datetime("%Y-%m-%d %H:%M", time_unit="ms"))
CUSTOMERS = pl.DataFrame(
    {"customer": [10, 20, 30, 50], "name": ["Ana", "Bruno", None, "Dora"], "city": ["Rio", "Rio", "Lima", "Quito"]}
)

Query = Callable[[Any, Any], Any]

QUERIES: dict[str, Query] = {
    "select": lambda o, c: o.select("id", "city"),
    "filter": lambda o, c: o.filter(o.price > 2, o.open),
    "filter on null": lambda o, c: o.filter(o.city.isnull() | o.customer.notnull()),
    "arithmetic": lambda o, c: o.select(
        o.id, a=o.price * o.quantity, b=o.quantity / 2, c=o.quantity % 3, d=-o.price, e=o.price.abs(), f=o.quantity**2
    ),
    "rounding": lambda o, c: o.select(o.id, a=o.price.round(1), b=o.price.floor(), c=o.price.ceil()),
    "case": lambda o, c: o.select(
        o.id, size=ibis.cases((o.quantity > 4, "big"), (o.quantity > 2, "middle"), else_="small")
    ),
    "null handling": lambda o, c: o.select(
        o.id, a=o.city.fill_null("?"), b=o.city.nullif("Rio"), c=o.price.coalesce(0)
    ),
    "text": lambda o, c: o.select(
        o.id, a=o.city.upper(), b=o.city.length(), c=o.city.substr(1, 2), d=o.city + "!", e=o.city.reverse()
    ),
    "text tests": lambda o, c: o.select(
        o.id, a=o.city.startswith("R"), b=o.city.contains("i"), c=o.city.like("%o"), d=o.city.isin(["Rio", "Lima"])
    ),
    "casts": lambda o, c: o.select(
        o.id, a=o.quantity.cast("string"), b=o.quantity.cast("int16"), c=o.id.cast("float64")
    ),
    "columns as rows": lambda o, c: o.select(o.id, "price", amount=o.quantity.cast("float64")).pivot_longer(
        ["price", "amount"], names_to="what", values_to="number"
    ),
    "rows as columns": lambda o, c: o.pivot_wider(
        id_cols="customer", names_from="city", names=["Rio", "Lima"], values_from="quantity", values_agg="sum"
    ),
    "times": lambda o, c: o.select(o.id, y=o.ts.year(), m=o.ts.month(), d=o.ts.day(), h=o.ts.hour(), q=o.ts.quarter()),
    "truncated times": lambda o, c: o.select(o.id, d=o.ts.truncate("D"), h=o.ts.truncate("h")),
    "counts": lambda o, c: o.group_by("city").agg(n=o.count(), prices=o.price.count()),
    "sums": lambda o, c: o.group_by("city").agg(s=o.quantity.sum(), p=o.price.sum()),
    "means": lambda o, c: o.group_by("city").agg(q=o.quantity.mean(), p=o.price.mean()),
    "extremes": lambda o, c: o.group_by("customer").agg(a=o.price.max(), b=o.city.min(), c=o.ts.max()),
    "filtered aggregates": lambda o, c: o.group_by("city").agg(
        a=o.quantity.sum(where=o.open), b=o.count(where=o.price > 1), c=o.price.mean(where=o.quantity > 1)
    ),
    "distinct counts": lambda o, c: o.group_by("open").agg(
        a=o.city.nunique(), b=o.customer.nunique(where=o.quantity > 1)
    ),
    "any value": lambda o, c: o.group_by("city").agg(
        a=o.city.arbitrary(), b=o.quantity.arbitrary(where=o.quantity == 1)
    ),
    "texts in one": lambda o, c: o.filter(o.city == "Rio").agg(
        a=o.city.group_concat("; "), b=o.city.group_concat(where=o.open)
    ),
    "aggregate of all": lambda o, c: o.agg(n=o.count(), s=o.quantity.sum(), m=o.price.mean(), t=o.ts.min()),
    "having": lambda o, c: o.group_by("city").having(_.count() > 1).agg(n=_.count()),
    "expression of aggregates": lambda o, c: o.group_by("city").agg(r=o.price.sum() / o.quantity.sum()),
    "grouping by an expression": lambda o, c: o.group_by(even=o.quantity % 2).agg(n=_.count()),
    "distinct": lambda o, c: o.select("city", "open").distinct(),
    "inner join": lambda o, c: o.join(c, "customer").select("id", "name"),
    "left join": lambda o, c: o.left_join(c, "customer").select(o.id, c.name),
    "join on two": lambda o, c: o.join(c, ["customer", "city"]).select("id", "name"),
    "semi join": lambda o, c: o.semi_join(c, "customer").select("id"),
    "semi join before a right join": lambda o, c: (
        o.semi_join(o.filter(o.open).view(), "customer").right_join(c, "customer").select("id", "name")
    ),
    "anti join before a right join": lambda o, c: (
        o.anti_join(o.filter(o.open).view(), "customer").right_join(c, "customer").select("id", "name")
    ),
    "semi join before an outer join": lambda o, c: (
        o.left_join(c, "customer")
        .semi_join(o.filter(o.open).view(), "customer")
        .outer_join(c.view(), "customer")
        .select("id", "name")
    ),
    "anti join after a right join": lambda o, c: (
        o.right_join(c, "customer").anti_join(o.filter(o.open).view(), "city").select("id", "name")
    ),
    "join of an aggregate": lambda o, c: (
        o.group_by("customer").agg(spent=o.price.sum()).join(c, "customer").select("name", "spent")
    ),
    "union of all": lambda o, c: o.select("city").union(c.select("city")),
    "union of distinct": lambda o, c: o.select("city").union(c.select("city"), distinct=True),
    "limit of all": lambda o, c: o.select("id").limit(100),
    "literals": lambda o, c: o.select(
        o.id, a=ibis.literal(1), b=ibis.literal("x"), c=ibis.literal(None, type="int64"), d=ibis.literal(True)
    ),
    "two steps": lambda o, c: (
        o.mutate(total=o.price * o.quantity).filter(_.total > 1).group_by("city").agg(t=_.total.max()).filter(_.t < 100)
    ),
    "drop and rename": lambda o, c: o.drop("ts", "open").rename(number="id"),
}


@pytest.fixture(scope="module")
def riacho_tables(kafka: RunningBroker) -> Iterator[tuple[Any, Any]]:
    con = riacho.ibis.connect(kafka.bootstrap, progress=False)
    tables = []
    for name, frame in (("ibis_orders", ORDERS), ("ibis_customers", CUSTOMERS)):
        memory = ibis.memtable(frame)
        options = {"connector": "kafka", "topic": name, "format": "json", "scan.startup.mode": "earliest-offset"}
        options["properties.bootstrap.servers"] = kafka.bootstrap
        table = con.create_table(name, schema=memory.schema(), tbl_properties=options)
        con.insert(name, memory)
        tables.append(table)
    yield tables[0], tables[1]
    con.disconnect()


@pytest.fixture(scope="module")
def batch() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name, frame in (("ibis_orders", ORDERS), ("ibis_customers", CUSTOMERS)):
            connection.register("frame", frame.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS FROM frame")
        yield connection


@pytest.mark.parametrize("name", QUERIES)
def test_an_expression_gives_what_it_gives_on_duckdb(
    name: str, riacho_tables: tuple[Any, Any], batch: duckdb.DuckDBPyConnection
) -> None:
    expression = QUERIES[name](*riacho_tables)

    rows = expression.to_polars()

    assert tuple(rows.columns) == expression.schema().names
    unbound = QUERIES[name](*(ibis.table(table.schema(), name=table.get_name()) for table in riacho_tables))
    expected = batch.sql(ibis.to_sql(unbound, dialect="duckdb")).fetchall()
    assert _comparable(rows.rows()) == _comparable(expected)


def _comparable(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted((tuple(map(_plain, row)) for row in rows), key=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, float | int | Decimal) and not isinstance(value, bool) and not math.isnan(value):
        return round(float(value), 9) + 0.0
    return datetime.combine(value, time()) if type(value) is date else value
