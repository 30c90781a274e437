"""Inputs at the edge of what is sensible: nothing at all, one giant key, values of a megabyte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from changelogs import Event, run

from riacho.plan.relations import Relation
from riacho.sql.session import Session

DDL = """
CREATE TABLE t (k STRING, v BIGINT) WITH ('connector' = 'kafka');
CREATE TABLE s (k STRING, w BIGINT) WITH ('connector' = 'kafka');
"""
MEGABYTE = 1 << 20


def query(text: str) -> Relation:
    session = Session()
    session.execute(DDL)
    return session.query(text)


def halves(events: Sequence[Event]) -> list[int]:
    return [len(events) // 2]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT k, COUNT(*) FROM t GROUP BY k",
        "SELECT COUNT(*) FROM t",
        "SELECT DISTINCT k FROM t",
        "SELECT t.k, s.w FROM t JOIN s ON t.k = s.k",
        "SELECT t.k, s.w FROM t FULL JOIN s ON t.k = s.k",
        "SELECT k FROM t UNION SELECT k FROM s",
    ],
)
def test_of_nothing_comes_nothing(text: str) -> None:
    assert run(query(text), []).total() == Counter()


def test_one_giant_key_is_aggregated() -> None:
    size = 20_000
    events = [Event("t", ("the one", number)) for number in range(size)]

    outcome = run(
        query("SELECT k, COUNT(*), SUM(v), MIN(v), MAX(v), COUNT(DISTINCT v) FROM t GROUP BY k"),
        events,
        range(0, size, 1_000),
        restart_at=halves(events),
    )

    assert outcome.total() == Counter([("the one", size, size * (size - 1) // 2, 0, size - 1, size)])


def test_one_giant_key_is_joined_with_itself() -> None:
    size = 300
    events = [Event(table, ("the one", number)) for number in range(size) for table in ("t", "s")]

    outcome = run(
        query("SELECT t.v, s.w FROM t JOIN s ON t.k = s.k"), events, range(0, 2 * size, 50), restart_at=halves(events)
    )

    assert outcome.total() == Counter((one, other) for one in range(size) for other in range(size))


def test_a_text_of_a_megabyte_is_a_key_a_value_and_outlives_a_restart() -> None:
    huge = ["x" * MEGABYTE, "x" * (MEGABYTE - 1) + "y", "é" * (MEGABYTE // 2)]
    events = [Event("t", (text, number)) for number in range(2) for text in huge]
    events += [Event("s", (huge[1], 7))]

    grouped = run(query("SELECT k, COUNT(*), MAX(k) FROM t GROUP BY k"), events, [1, 4], restart_at=halves(events))
    joined = run(query("SELECT t.k, s.w FROM t LEFT JOIN s ON t.k = s.k"), events, [1, 4], restart_at=halves(events))

    assert grouped.total() == Counter((text, 2, text) for text in huge)
    assert joined.total() == Counter({(huge[0], None): 2, (huge[1], 7): 2, (huge[2], None): 2})
