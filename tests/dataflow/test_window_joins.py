"""Joins of rows of the same window: DuckDB's answer over the rows that were in time, however the input is cut."""

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

from riacho.plan.relations import Field, Relation, Schema, WindowJoin, walk_relations
from riacho.plan.types import BIGINT, STRING, TIMESTAMP_3
from riacho.sql.session import Session

DELAY_MS = 4
TABLES = ("a", "b")
SPLITS = 2
EPOCH = datetime(1970, 1, 1)
DDL = "".join(
    f"""
    CREATE TABLE {name} (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '0.004' SECOND)
    WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json');
    """
    for name in TABLES
)
PLACED = Schema(
    tuple(
        Field(name, kind)
        for name, kind in (
            *(("k", STRING), ("v", BIGINT), ("ts", TIMESTAMP_3)),
            *((name, TIMESTAMP_3) for name in ("window_start", "window_end", "window_time")),
        )
    )
)
values = st.tuples(st.none() | st.sampled_from(["x", "y"]), st.none() | st.integers(0, 3))


@dataclass(frozen=True)
class Query:
    """A join of two tables in equal windows."""

    join: str
    size: int
    slide: int
    residual: str
    counted: bool

    def over(self, left: str, right: str) -> str:
        on = "l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end" + self.residual
        if "EXISTS" in self.join:
            query = (
                f"SELECT l.k, l.v, l.window_end FROM {left} l WHERE {self.join} (SELECT 1 FROM {right} r WHERE {on})"
            )
        else:
            query = (
                f"SELECT l.k, l.v, r.v AS w, l.window_end, r.window_start FROM {left} l {self.join} {right} r ON {on}"
            )
        if not self.counted:
            return query
        columns = "l.window_start, l.window_end, l.v"
        inner = f"SELECT {columns} FROM {left} l JOIN {right} r ON {on}"
        return f"SELECT window_start, COUNT(*), COUNT(DISTINCT v) FROM ({inner}) t GROUP BY window_start, window_end"

    def windows(self, table: str) -> str:
        size, slide = (f"INTERVAL '{value / 1000:.3f}' SECOND" for value in (self.size, self.slide))
        shape = f"TUMBLE(TABLE {table}, DESCRIPTOR(ts), {size})"
        if self.slide < self.size:
            shape = f"HOP(TABLE {table}, DESCRIPTOR(ts), {slide}, {size})"
        return f"(SELECT * FROM TABLE({shape}))"

    def plan(self) -> Relation:
        session = Session()
        session.execute(DDL)
        return session.query(self.over(self.windows("a"), self.windows("b")))


@st.composite
def queries(draw: st.DrawFn) -> Query:
    slide = draw(st.integers(3, 10))
    return Query(
        join=draw(st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "EXISTS", "NOT EXISTS"])),
        size=slide * draw(st.integers(1, 2)),
        slide=slide,
        residual=draw(st.sampled_from(["", " AND l.v < r.v"])),
        counted=draw(st.sampled_from([False, False, True])),
    )


class Batch:
    """The rows of both tables in those of their windows that were open when they came."""

    def __init__(self, query: Query, events: list[Event]) -> None:
        self.query = query
        self.late = 0
        levels: dict[tuple[str, int], int | None] = {
            (table, split): None for table in TABLES for split in range(SPLITS)
        }
        self.watermark: int | None = None
        placed: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TABLES}
        for event in events:
            moment = milliseconds(event.values[2])
            first = moment // query.slide * query.slide + query.slide
            for end in range(first, first + query.size, query.slide):
                if self.watermark is not None and self.watermark >= end - 1:
                    self.late += 1
                    continue
                bounds = (EPOCH + timedelta(milliseconds=bound) for bound in (end - query.size, end, end - 1))
                placed[event.table].append((*event.values, *bounds))
            place = (event.table, event.split)
            level, reached = levels[place], moment - DELAY_MS
            levels[place] = reached if level is None else max(level, reached)
            known = [level for level in levels.values() if level is not None]
            if len(known) == len(levels):
                self.watermark = min(known)
        self._placed = placed

    def answer(self, *, ended: bool) -> Counter[tuple[Any, ...]]:
        for table, rows in self._placed.items():
            closed = [row for row in rows if ended or self._is_closed(milliseconds(row[4]))]
            oracle.load(table, PLACED, closed)
        return oracle.query(self.query.over("a", "b"))

    def _is_closed(self, end: int) -> bool:
        return self.watermark is not None and self.watermark >= end - 1


def milliseconds(moment: datetime) -> int:
    return round((moment - EPOCH).total_seconds() * 1000)


@settings(max_examples=40, deadline=None)
@given(query=queries(), stream=out_of_order(values, late_ms=15, tables=TABLES, splits=SPLITS))
def test_a_window_join_is_that_of_the_batch_over_the_rows_in_time(query: Query, stream: Any) -> None:
    events, cuts, restarts = stream
    assert any(isinstance(step, WindowJoin) for step in walk_relations(query.plan()))

    def compare(prefix: int, outcome: Outcome) -> None:
        assert outcome.total() == Batch(query, events[:prefix]).answer(ended=False)

    cut = run(query.plan(), events, cuts, restart_at=restarts, splits=SPLITS, observe=compare)
    batch = Batch(query, events)
    assert cut.total() == batch.answer(ended=True)
    assert all(diff == 1 for _, diff in cut.changes), "nothing is taken back"
    assert cut.late == batch.late


def test_windows_whose_keys_are_all_null_meet_nothing() -> None:
    query = Query(join="JOIN", size=3, slide=3, residual="", counted=False)
    events = [Event(table, (None, None, EPOCH)) for table in TABLES]

    assert run(query.plan(), events, splits=SPLITS).changes == []
