"""Aggregates that keep the values themselves: any cut of the input gives what the rows of each group come to.

Over rows that are only added lists stand in the order of arrival; over rows that change only membership is promised.
DuckDB tells the deviations and percentiles, which it computes in another way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import oracle
from changelogs import Event, comparable, run
from event_streams import Stream, cut, table_after
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.plan.relations import Relation
from riacho.sql.session import Session

DDL = """
CREATE TABLE a (id BIGINT, k STRING, s STRING, v INT, x DOUBLE, flag BOOLEAN) WITH ('connector' = 'kafka');
CREATE TABLE u (id BIGINT, k STRING, s STRING, v INT, x DOUBLE, flag BOOLEAN, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka');
"""
LISTS = (
    "SELECT k, LISTAGG(s, '|') FILTER (WHERE flag), ARRAY_AGG(v), ARRAY_AGG(v) IGNORE NULLS, ARRAY_AGG(DISTINCT v), "
    "LISTAGG(DISTINCT s), COLLECT(s), COLLECT(DISTINCT v) FILTER (WHERE flag), FIRST_VALUE(s), LAST_VALUE(v), "
    "JSON_ARRAYAGG(v NULL ON NULL), COUNT(DISTINCT s) FROM {table} GROUP BY k"
)
NUMBERS = (
    "SELECT k, STDDEV_POP(x), VAR_POP(x), STDDEV_SAMP(x), VAR_SAMP(DISTINCT x), PERCENTILE(v, 0.3), "
    "PERCENTILE(DISTINCT v, 0.5), STDDEV_POP(v), VAR_SAMP(v) FROM {table} GROUP BY k"
)
DUCKDB = (
    "SELECT k, stddev_pop(x), var_pop(x), stddev_samp(x), var_samp(DISTINCT x), quantile_cont(v, 0.3), "
    "quantile_cont(DISTINCT v, 0.5), CAST(TRUNC(SQRT((sum(v * v) - sum(v) * sum(v) // count(v)) // count(v))) AS INT), "
    "CAST((sum(v * v) - sum(v) * sum(v) // count(v)) // NULLIF(count(v) - 1, 0) AS INT) FROM {table} GROUP BY k"
)
"""Deviations of integers are cut off at every step, as in Flink."""


texts = st.sampled_from(["", "a", "b", "a string longer than twelve bytes"])
columns = st.tuples(
    st.none() | st.sampled_from(["x", "y"]),
    st.none() | texts,
    st.none() | st.integers(0, 3),
    st.none() | st.sampled_from([0.0, 1.0, 2.5, -4.0, 1e3]),
    st.booleans(),
)


@st.composite
def streams(draw: st.DrawFn, *, changing: bool) -> Stream:
    events = []
    for number in range(draw(st.integers(1, 40))):
        identity = draw(st.integers(0, 5)) if changing else number
        deleted = changing and draw(st.integers(0, 3)) == 0
        values = (None,) * 5 if deleted else draw(columns)
        events.append(Event("u" if changing else "a", (identity, *values), deleted=deleted))
    return cut(draw, events, most_cuts=6)


def plan(query: str) -> Relation:
    session = Session()
    session.execute(DDL)
    return session.query(query)


def frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(frozen(item) for item in value)
    if isinstance(value, dict):
        return tuple(value.values())
    return value


def accumulated(changes: Sequence[tuple[tuple[Any, ...], int]]) -> Counter[tuple[Any, ...]]:
    rows: Counter[tuple[Any, ...]] = Counter()
    for row, diff in changes:
        rows[frozen(list(row))] += diff
        assert rows[frozen(list(row))] >= 0, "a row was retracted that was not there"
    return +rows


def expected_lists(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What LISTS comes to, over rows in order of arrival."""
    groups: dict[Any, list[tuple[Any, ...]]] = {}
    for row in rows:
        groups.setdefault(row[1], []).append(row)
    answer = []
    for key, members in groups.items():
        s = [row[2] for row in members if row[2] is not None]
        filtered = [row[2] for row in members if row[2] is not None and row[5]]
        v = [row[3] for row in members]
        present = [value for value in v if value is not None]
        once = dict.fromkeys(row[3] for row in members if row[3] is not None and row[5])
        answer.append(
            (
                key,
                "|".join(filtered) if filtered else None,
                tuple(v),
                tuple(present) or None,
                tuple(dict.fromkeys(v)),
                ",".join(dict.fromkeys(s)) if s else None,
                tuple(sorted(Counter(s).items())),
                tuple((value, 1) for value in sorted(once)),
                s[0] if s else None,
                present[-1] if present else None,
                f"[{','.join('null' if value is None else str(value) for value in v)}]",
                len(set(s)),
            )
        )
    return answer


def members_only(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of LISTS without the order of its lists, and without what only order tells."""
    key, listed, every, present, once, listed_once, bag, one_each, _, _, elements, count = row

    def ordered(values: Any) -> Any:
        return None if values is None else tuple(sorted(values, key=repr))

    def split(text: str | None, separator: str) -> Any:
        return None if text is None else ordered(text.split(separator))

    parts = [ordered(every), ordered(present), ordered(once), split(listed_once, ","), bag, one_each]
    return (key, split(listed, "|"), *parts, split(elements.strip("[]"), ","), count)


@settings(max_examples=25, deadline=None)
@given(streams(changing=False))
def test_lists_of_added_rows_stand_in_the_order_of_arrival(stream: Any) -> None:
    events, cuts, restarts = stream

    def compare(prefix: int, outcome: Any) -> None:
        rows = [event.values for event in events[:prefix]]
        assert accumulated(outcome.changes) == Counter(expected_lists(rows))

    run(plan(LISTS.format(table="a")), events, cuts, restart_at=restarts, observe=compare)


@settings(max_examples=25, deadline=None)
@given(streams(changing=True))
def test_lists_of_changing_rows_have_the_members_of_the_batch(stream: Any) -> None:
    events, cuts, restarts = stream

    def compare(prefix: int, outcome: Any) -> None:
        rows = table_after(events[:prefix], "u", changing=True)
        found = Counter(members_only(row) for row in accumulated(outcome.changes).elements())
        assert found == Counter(members_only(row) for row in expected_lists(rows))

    run(plan(LISTS.format(table="u")), events, cuts, restart_at=restarts, observe=compare)


def assert_numbers(table: str, stream: Stream, rows_after: Callable[[int], Sequence[tuple[Any, ...]]]) -> None:
    events, cuts, restarts = stream
    schema = plan("SELECT id, k, s, v, x, flag FROM a").schema

    def compare(prefix: int, outcome: Any) -> None:
        oracle.load(table, schema, rows_after(prefix))
        found = Counter(comparable(row) for row in accumulated(outcome.changes).elements())
        assert found == oracle.query(DUCKDB.format(table=table))

    run(plan(NUMBERS.format(table=table)), events, cuts, restart_at=restarts, observe=compare)


@settings(max_examples=15, deadline=None)
@given(streams(changing=False))
def test_deviations_and_percentiles_of_added_rows_are_those_of_the_batch(stream: Any) -> None:
    assert_numbers("a", stream, lambda prefix: [event.values for event in stream[0][:prefix]])


@settings(max_examples=15, deadline=None)
@given(streams(changing=True))
def test_deviations_and_percentiles_of_changing_rows_are_those_of_the_batch(stream: Any) -> None:
    assert_numbers("u", stream, lambda prefix: table_after(stream[0][:prefix], "u", changing=True))


SETS = (
    "SELECT k, v, COUNT(*), SUM(v), GROUPING(k), GROUPING_ID(v, k), COUNT(DISTINCT s) FROM {table} "
    "GROUP BY {sets} HAVING COUNT(*) > 0"
)
grouping = st.sampled_from(
    [
        "ROLLUP (k, v)",
        "CUBE (k, v)",
        "GROUPING SETS ((k), (v))",
        "GROUPING SETS ((k, v), ())",
        "k, ROLLUP (v)",
        "GROUPING SETS (CUBE (k, v), (k))",
        "GROUPING SETS ((k), ROLLUP (v)), ROLLUP (k)",
    ]
)


@settings(max_examples=20, deadline=None)
@given(sets=grouping, stream=streams(changing=True))
def test_grouping_sets_are_those_of_the_batch(sets: str, stream: Any) -> None:
    events, cuts, restarts = stream
    schema = plan("SELECT id, k, s, v, x, flag FROM a").schema

    def compare(prefix: int, outcome: Any) -> None:
        oracle.load("u", schema, table_after(events[:prefix], "u", changing=True))
        assert accumulated(outcome.changes) == oracle.query(SETS.format(table="u", sets=sets))

    run(plan(SETS.format(table="u", sets=sets)), events, cuts, restart_at=restarts, observe=compare)
