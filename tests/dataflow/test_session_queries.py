"""Queries over sessions as text: DuckDB's answer over the rows that were in time, however the input is cut into passes.

Which rows are in time depends on the sessions that are still open when they come; a model says so, a row at a time.
"""

# ruff: noqa: DTZ001 - TIMESTAMP has no zone

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import oracle
from changelogs import Event, Outcome, run
from event_streams import out_of_order
from hypothesis import given, settings
from hypothesis import strategies as st
from query_text import aggregates, conditions, counts, for_duckdb, values

from riacho.plan.relations import Field, Relation, Schema
from riacho.plan.types import BIGINT, BOOLEAN, INT, STRING, TIMESTAMP_3
from riacho.sql.session import Session

DELAY_MS = 3
EPOCH = datetime(1970, 1, 1)
COLUMNS = ("k", "j", "v", "flag", "ts")
DDL = f"""
CREATE TABLE t (k STRING, j INT, v BIGINT, flag BOOLEAN, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '{DELAY_MS / 1000}' SECOND)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
"""
PLACED = Schema(
    tuple(
        Field(name, kind)
        for name, kind in (
            *zip(COLUMNS, (STRING, INT, BIGINT, BOOLEAN, TIMESTAMP_3), strict=True),
            *((name, TIMESTAMP_3) for name in ("window_start", "window_end", "window_time")),
        )
    )
)


@dataclass
class OpenSession:
    """A session of the model."""

    start: int
    end: int
    rows: list[tuple[int, tuple[Any, ...]]]


@dataclass(frozen=True)
class Query:
    """A query over sessions in its parts."""

    gap: int
    partition: tuple[str, ...]
    after: str
    keys: tuple[str, ...]
    calls: tuple[str, ...]
    having: str

    @property
    def windows(self) -> str:
        by = f" PARTITION BY ({', '.join(self.partition)})" if self.partition else ""
        return f"TABLE(SESSION(TABLE t{by}, DESCRIPTOR(ts), INTERVAL '{self.gap / 1000}' SECOND))"

    def over(self, windows: str) -> str:
        if not self.calls:
            return f"SELECT * FROM {windows} WHERE {self.after}"
        groups = ", ".join((*self.keys, "window_start", "window_end"))
        return (
            f"SELECT {groups}, {', '.join(self.calls)} FROM {windows} WHERE {self.after} GROUP BY {groups}{self.having}"
        )

    def plan(self) -> Relation:
        session = Session()
        session.execute(DDL)
        return session.query(self.over(self.windows))


@st.composite
def queries(draw: st.DrawFn) -> Query:
    partition = draw(st.sampled_from([(), ("k",), ("k", "j")]))
    return Query(
        gap=draw(st.integers(1, 12)),
        partition=partition,
        after=draw(st.just("TRUE") | conditions),
        keys=draw(st.just(partition) | st.sampled_from([(), ("k",), ("flag",)])),
        calls=tuple(draw(st.lists(aggregates() | aggregates("j") | counts, max_size=3))),
        having=draw(st.sampled_from(["", " HAVING COUNT(*) > 1"])),
    )


class Model:
    """Each row in its session, one after another."""

    def __init__(self, query: Query, events: list[Event], splits: int) -> None:
        self.query = query
        self.sessions: dict[Any, list[OpenSession]] = {}
        self.over: list[OpenSession] = []
        self.late = 0
        levels: list[int | None] = [None] * splits
        self.watermark: int | None = None
        for number, event in enumerate(events):
            self._add(number, event.values)
            moment = milliseconds(event.values[4]) - DELAY_MS
            level = levels[event.split]
            levels[event.split] = moment if level is None else max(moment, level)
            if None not in levels:
                self.watermark = min(level for level in levels if level is not None)

    def _closed(self, end: int) -> bool:
        return self.watermark is not None and self.watermark >= end - 1

    def _add(self, number: int, values: tuple[Any, ...]) -> None:
        key = tuple(values[COLUMNS.index(name)] for name in self.query.partition)
        known = self.sessions.setdefault(key, [])
        self.over += [session for session in known if self._closed(session.end)]
        known[:] = [session for session in known if not self._closed(session.end)]
        start = milliseconds(values[4])
        mine = OpenSession(start, start + self.query.gap, [(number, values)])
        met = [session for session in known if session.start <= mine.end and mine.start <= session.end]
        if not met and self._closed(mine.end):
            self.late += 1
            return
        for session in met:
            mine.start, mine.end = min(mine.start, session.start), max(mine.end, session.end)
            mine.rows += session.rows
            known.remove(session)
        known.append(mine)

    def answer(self, *, ended: bool) -> Counter[tuple[Any, ...]]:
        everything = [*self.over, *(session for known in self.sessions.values() for session in known)]
        rows = []
        for session in everything:
            if ended or self._closed(session.end):
                start, end = (EPOCH + timedelta(milliseconds=bound) for bound in (session.start, session.end))
                rows += [(*values, start, end, end - timedelta(milliseconds=1)) for _, values in session.rows]
        oracle.load("placed", PLACED, rows)
        return oracle.query(for_duckdb(self.query.over("placed")))


def milliseconds(moment: datetime) -> int:
    return round((moment - EPOCH).total_seconds() * 1000)


@settings(max_examples=40, deadline=None)
@given(query=queries(), stream=out_of_order(values, late_ms=20))
def test_a_query_over_sessions_is_that_of_the_batch_over_the_rows_in_time(query: Query, stream: Any) -> None:
    events, cuts, restarts = stream

    def compare(prefix: int, outcome: Outcome) -> None:
        assert outcome.total() == Model(query, events[:prefix], 2).answer(ended=False)

    cut = run(query.plan(), events, cuts, restart_at=restarts, splits=2, observe=compare)
    model = Model(query, events, 2)
    assert cut.total() == model.answer(ended=True)
    if query.after == "TRUE":  # a condition on the partition is tested before
        assert cut.late == model.late
    assert cut.changes == run(query.plan(), events, splits=2).changes, "the same rows in the same order"
