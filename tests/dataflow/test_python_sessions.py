"""Aggregate functions of the user's over sessions: sessions that become one merge their accumulators."""

# ruff: noqa: DTZ001 - TIMESTAMP has no zone

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest
from changelogs import Event, run

import riacho
from riacho.plan.relations import Relation
from riacho.sql.session import Session

START = datetime(2024, 1, 1)
DDL = """
CREATE TABLE t (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE FUNCTION extent AS 'riacho_test_extent.Extent' LANGUAGE PYTHON;
"""
QUERY = """
SELECT k, extent(v), extent(v) FILTER (WHERE v > 2), COUNT(*), window_start, window_end
FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end
"""


class Extent(riacho.AggregateFunction):
    """The least and the greatest value of a group, `least..greatest`."""

    merged = 0

    def create_accumulator(self) -> list[int]:
        return []

    def accumulate(self, accumulator: list[int], value: int) -> None:
        accumulator[:] = [min([*accumulator, value]), max([*accumulator, value])]

    def merge(self, accumulator: list[int], others: Any) -> None:
        Extent.merged += 1
        for other in others:
            accumulator[:] = [min([*accumulator, *other]), max([*accumulator, *other])]

    def get_value(self, accumulator: list[int]) -> str | None:
        return f"{accumulator[0]}..{accumulator[1]}" if accumulator else None


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Relation:
    module = ModuleType("riacho_test_extent")
    module.Extent = Extent  # type: ignore[attr-defined]
    module.__spec__ = ModuleSpec("riacho_test_extent", None)
    monkeypatch.setitem(sys.modules, "riacho_test_extent", module)
    monkeypatch.setattr(Extent, "merged", 0)
    session = Session()
    session.execute(DDL)
    return session.query(QUERY)


def clicks(*rows: tuple[str, int, int]) -> list[Event]:
    return [Event("t", (key, value, START + timedelta(seconds=second))) for key, value, second in rows]


EVENTS = clicks(("a", 5, 0), ("a", 1, 15), ("b", 2, 1), ("a", 3, 8), ("a", 9, 40), ("a", 7, 31), ("a", 4, 23))


def test_a_row_between_two_sessions_merges_their_accumulators(plan: Relation) -> None:
    outcome = run(plan, EVENTS, range(len(EVENTS)))

    assert Extent.merged > 0
    assert [row[:4] for row, _ in outcome.changes] == [("b", "2..2", None, 1), ("a", "1..9", "3..9", 6)]


@pytest.mark.parametrize("cuts", [(), (2,), (3, 5), (1, 2, 3, 4, 5, 6)])
def test_a_session_is_the_same_however_its_rows_come(plan: Relation, cuts: tuple[int, ...]) -> None:
    whole = run(plan, EVENTS).changes

    assert run(plan, EVENTS, cuts, restart_at=cuts).changes == whole
