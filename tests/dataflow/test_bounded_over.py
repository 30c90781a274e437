"""OVER in a batch: DuckDB's answer, whatever the order and the frame, over added rows and changing ones."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import oracle
import pytest
from changelogs import Event, run
from event_streams import cut
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.plan.passes.batch import as_batch
from riacho.plan.relations import Field, Relation, Schema
from riacho.plan.types import BIGINT, BOOLEAN, DOUBLE, INT, STRING, DecimalType
from riacho.sql.session import Session

DDL = """
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE t (k STRING, j INT, v BIGINT, flag BOOLEAN, d DOUBLE, e DECIMAL(6, 2)) WITH ('connector' = 'kafka');
"""
KINDS = (
    ("k", STRING),
    ("j", INT),
    ("v", BIGINT),
    ("flag", BOOLEAN),
    ("d", DOUBLE),
    ("e", DecimalType(precision=6, scale=2)),
)
ROWS = Schema(tuple(Field(name, kind) for name, kind in (("seq", BIGINT), *KINDS)))
TIES = ", seq"

values = st.tuples(
    st.none() | st.sampled_from(["x", "y", "a string longer than twelve bytes"]),
    st.none() | st.integers(0, 2),
    st.none() | st.integers(-4, 4),
    st.none() | st.booleans(),
    st.none() | st.sampled_from([0.5, -1.0, 7.0, 1.0]),
    st.none() | st.sampled_from([Decimal("0.25"), Decimal("1.00"), Decimal("1.75"), Decimal("-3.50")]),
)

BOUNDS = ("UNBOUNDED PRECEDING", "{} PRECEDING", "CURRENT ROW", "{} FOLLOWING", "UNBOUNDED FOLLOWING")
AGGREGATES = ("COUNT(*)", "COUNT(v)", "SUM(v)", "MIN(k)", "MAX(e)", "AVG(d)", "FIRST_VALUE(v)", "LAST_VALUE(k)")
PLACES = (
    *("RANK()", "DENSE_RANK()", "PERCENT_RANK()", "CUME_DIST()"),
    *(
        "ROW_NUMBER()",
        "NTILE(3)",
        "NTILE(40)",
        "LAG(v)",
        "LEAD(v, 2)",
        "LEAD(k, 1, 'none')",
        "LAG(e, 0)",
        "LEAD(v, -1)",
    ),
)
BY_ARRIVAL = ("ROW_NUMBER", "NTILE", "LAG", "LEAD")


@st.composite
def frames(draw: st.DrawFn, unit: str, distances: tuple[str, ...]) -> str:
    """A frame, none of which begins behind its end."""
    first, last = draw(st.tuples(st.integers(0, 3), st.integers(1, 4)).filter(lambda pair: pair[0] <= pair[1]))
    start, end = (BOUNDS[place].format(draw(st.sampled_from(distances))) for place in (first, last))
    return f"{unit} BETWEEN {start} AND {end}"


@st.composite
def windows(draw: st.DrawFn) -> tuple[str, str, str]:
    """PARTITION BY, ORDER BY and a frame, maybe without the latter."""
    partition = draw(st.sampled_from(["", "PARTITION BY k", "PARTITION BY k, j", "PARTITION BY v > 0"]))
    kind = draw(st.sampled_from(["none", "rows", "range", "default"]))
    if kind == "none":
        return partition, "", ""
    order = draw(st.sampled_from(["v", "d", "e", "j", "v + j"] if kind == "range" else ["v", "k, v", "flag, d", "e"]))
    keys = []
    for key in order.split(", "):
        direction = draw(st.sampled_from(["ASC", "DESC"]))
        keys.append(f"{key} {direction} NULLS {draw(st.sampled_from(['FIRST', 'LAST']))}")
    frame = ""
    if kind == "rows":
        frame = draw(frames("ROWS", ("0", "1", "2", "30")))
    if kind == "range":
        frame = draw(frames("RANGE", ("0", "1", "2", "0.5", "100")))
    return partition, f"ORDER BY {', '.join(keys)}", frame


def planned(query: str) -> Relation:
    session = Session()
    session.execute(DDL)
    return as_batch(session.query(query))


def written(window: tuple[str, str, str], call: str) -> str:
    """The call over the window, without its frame where it takes none."""
    partition, order, frame = window
    return f"{call} OVER ({partition} {order} {frame if call in AGGREGATES else ''})"


def duckdb(window: tuple[str, str, str], call: str) -> str:
    """The same for DuckDB, with rows that are equal in the order in order of arrival where that matters."""
    partition, order, frame = window
    if call not in AGGREGATES:
        frame = ""
    if call.startswith(BY_ARRIVAL) or frame.startswith("ROWS"):
        order = f"{order}{TIES}"
    if call.startswith(("FIRST_VALUE", "LAST_VALUE")):
        call = f"{call[:-1]} IGNORE NULLS)"
    return f"{call} OVER ({partition} {order} {frame})"


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_over_in_a_batch_is_that_of_duckdb(data: st.DataObject) -> None:
    events, cuts, restarts = cut(
        data.draw, [Event("t", row) for row in data.draw(st.lists(values, min_size=1, max_size=30))]
    )
    asked = []
    for window in data.draw(st.lists(windows(), min_size=1, max_size=3)):
        ordered = bool(window[1])
        calls = [*AGGREGATES[:6], *(AGGREGATES[6:] if ordered else ()), *(PLACES[:] if ordered else ())]
        # Which of equal rows is the first or last of a RANGE is nobody's promise.
        if not window[2].startswith("ROWS"):
            calls = [call for call in calls if not call.startswith(("FIRST_VALUE", "LAST_VALUE"))]
        asked += [(window, call) for call in data.draw(st.lists(st.sampled_from(calls), min_size=1, max_size=3))]
    names = "k, j, v, flag, d, e"
    relation = planned(f"SELECT {names}, {', '.join(written(*each) for each in asked)} FROM t")

    outcome = run(relation, events, cuts, restart_at=restarts)

    assert all(sign == 1 for _, sign in outcome.changes)
    oracle.load("rows", ROWS, [(number, *event.values) for number, event in enumerate(events)])
    assert outcome.total() == oracle.query(f"SELECT {names}, {', '.join(duckdb(*each) for each in asked)} FROM rows")


def rows_of(query: str, rows: list[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    events = [Event("t", (*row, *([None] * (len(KINDS) - len(row))))) for row in rows]
    return run(planned(query), events).total()


def test_over_an_aggregate_sees_its_last_rows() -> None:
    query = "SELECT k, SUM(v), RANK() OVER (ORDER BY SUM(v) DESC) FROM t GROUP BY k"

    assert rows_of(query, [("a", 0, 1), ("b", 0, 5), ("a", 0, 7)]) == Counter({("a", 8, 1): 1, ("b", 5, 2): 1})


def test_lists_of_equal_rows_are_in_order_of_arrival() -> None:
    query = "SELECT LISTAGG(k) OVER (ORDER BY j ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM t"

    assert rows_of(query, [("a", 0), ("b", 0), ("a", 0)]) == Counter({("a,b,a",): 3})


@pytest.mark.parametrize(
    ("distance", "counts"), [("INTERVAL '1' DAY", [1, 2, 1]), ("INTERVAL '2' DAY", [1, 2, 2])], ids=["one", "two"]
)
def test_dates_are_days_apart(distance: str, counts: list[int]) -> None:
    query = (
        f"SELECT COUNT(*) OVER (ORDER BY n RANGE BETWEEN {distance} PRECEDING AND CURRENT ROW) FROM "
        "(VALUES (DATE '2024-01-01'), (DATE '2024-01-02'), (DATE '2024-01-04')) AS days(n)"
    )

    assert run(planned(query), []).total() == Counter((count,) for count in counts)
