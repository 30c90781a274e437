"""Windowed queries as text: DuckDB's answer over the rows that were in time, however the input is cut into passes.

Which rows are in time is DuckDB's answer too: it computes the watermark before each row from the rows themselves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import oracle
from changelogs import Event, run
from event_streams import out_of_order
from hypothesis import given, settings
from hypothesis import strategies as st
from query_text import aggregates, conditions, counts, for_duckdb, values

from riacho.plan.relations import Field, Relation, Schema
from riacho.plan.types import BIGINT, BOOLEAN, INT, STRING, TIMESTAMP_3
from riacho.sql.session import Session

DELAY_MS = 4
TABLES = ("a", "b")
SPLITS = 2
COLUMNS = "k STRING, j INT, v BIGINT, flag BOOLEAN, ts TIMESTAMP(3)"
WATERMARK = f"WATERMARK FOR ts AS ts - INTERVAL '0.00{DELAY_MS}' SECOND"
DDL = "".join(f"CREATE TABLE {name} ({COLUMNS}, {WATERMARK}) WITH ('connector' = 'kafka');" for name in TABLES)
INPUT = Schema(
    tuple(
        Field(name, kind)
        for name, kind in (
            ("seq", BIGINT),
            ("origin", STRING),
            ("k", STRING),
            ("j", INT),
            ("v", BIGINT),
            ("flag", BOOLEAN),
            ("ts", TIMESTAMP_3),
        )
    )
)


@dataclass(frozen=True)
class Query:
    """A query over windows in its parts: what it reads, which windows (in ms), and what it makes of them."""

    function: str
    tables: tuple[str, ...]
    before: str
    size: int
    slide: int
    offset: int
    after: str
    keys: tuple[str, ...]
    calls: tuple[str, ...]
    having: str
    running: bool

    @property
    def view(self) -> str:
        rows = " UNION ALL ".join(f"SELECT * FROM {name} WHERE {self.before}" for name in self.tables)
        return f"CREATE VIEW s AS {rows};"

    @property
    def windows(self) -> str:
        size, slide, offset = (
            f"INTERVAL '{value / 1000:.3f}' SECOND" for value in (self.size, self.slide, self.offset)
        )
        shape = size if self.function == "TUMBLE" else f"{slide}, {size}"
        return f"TABLE({self.function}(TABLE s, DESCRIPTOR(ts), {shape}{f', {offset}' if self.offset else ''}))"

    def over(self, windows: str) -> str:
        """The query over these windows."""
        groups = ", ".join((*self.keys, "window_start", "window_end"))
        calls = ", ".join(f"{call} AS c{place}" for place, call in enumerate(self.calls))
        query = f"SELECT {groups}, {calls} FROM {windows} WHERE {self.after} GROUP BY {groups}{self.having}"
        if not self.running:
            return query
        return (
            f"SELECT window_start, COUNT(*), SUM(c0), MAX(c0), COUNT(DISTINCT c0) FROM ({query}) GROUP BY window_start"
        )

    def plan(self) -> Relation:
        session = Session()
        session.execute(DDL + self.view)
        return session.query(self.over(self.windows))


@st.composite
def queries(draw: st.DrawFn) -> Query:
    slide = draw(st.integers(2, 12))
    function = draw(st.sampled_from(["TUMBLE", "HOP", "CUMULATE"]))
    size = slide if function == "TUMBLE" else slide * draw(st.integers(1, 4))
    return Query(
        function=function,
        tables=draw(st.sampled_from([("a",), ("b",), TABLES])),
        before=draw(st.just("TRUE") | conditions),
        size=size,
        slide=slide,
        offset=draw(st.sampled_from([0, 0, 1, slide - 1, -1])),
        after=draw(st.just("TRUE") | conditions),
        keys=tuple(draw(st.sampled_from([(), ("k",), ("k", "j"), ("flag",)]))),
        calls=tuple(draw(st.lists(aggregates() | aggregates("j") | counts, min_size=1, max_size=4))),
        having=draw(st.sampled_from(["", " HAVING COUNT(*) > 1", " HAVING SUM(v) > 0 OR COUNT(DISTINCT k) = 1"])),
        running=draw(st.booleans()),
    )


class Batch:
    """What DuckDB makes of a query over a prefix of the events."""

    def __init__(self, query: Query, events: list[Event]) -> None:
        self._query = query
        read = [(seq, event) for seq, event in enumerate(events) if event.table in query.tables]
        oracle.load("input", INPUT, [(seq, f"{event.table}{event.split}", *event.values) for seq, event in read])
        origins = [f"{table}{split}" for table in query.tables for split in range(SPLITS)]
        levels = [f"max(ts) FILTER (WHERE origin = '{origin}')" for origin in origins]
        self._reached = f"CASE WHEN {' AND '.join(f'{level} IS NOT NULL' for level in levels)} THEN "
        self._reached += f"epoch_ms(least({', '.join(levels)})) - {DELAY_MS} END"
        before = self._reached
        for level in levels:
            before = before.replace(level, f"{level} OVER before")
        size, slide, offset = query.size, query.slide, query.offset
        if query.function == "CUMULATE":
            start = f"((epoch_ms(ts) - {offset}) // {size} * {size} + {offset})"
            end = f"({start} + (step + 1) * {slide})"
        else:
            start = f"((epoch_ms(ts) - {offset}) // {slide} * {slide} + {offset} - step * {slide})"
            end = f"({start} + {size})"
        oracle.connection().execute(
            f"""
            CREATE OR REPLACE TABLE placed AS
            WITH marked AS (
              SELECT *, {before} AS watermark FROM input
              WINDOW before AS (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            )
            SELECT *, {start} AS start_ms, {end} AS end_ms
            FROM marked, range({size // slide}) AS steps(step)
            WHERE ({query.before}) AND {end} > epoch_ms(ts)
            """
        )

    def late(self) -> int:
        """How many rows came after all of their windows had closed."""
        rows = f"SELECT 1 FROM placed WHERE {self._query.after} GROUP BY seq"
        late = f"SELECT count(*) FROM ({rows} HAVING bool_and(watermark >= end_ms - 1))"
        return next(iter(oracle.query(late)))[0]

    def answer(self, *, ended: bool) -> Counter[tuple[Any, ...]]:
        """The query over the windows that have closed by now, or at the end."""
        closed = "TRUE" if ended else f"end_ms - 1 <= (SELECT {self._reached} FROM input)"
        windows = f"""(
            SELECT *, make_timestamp(start_ms * 1000) AS window_start,
              make_timestamp(end_ms * 1000) AS window_end
            FROM placed WHERE (watermark IS NULL OR watermark < end_ms - 1) AND {closed}
        )"""
        return oracle.query(for_duckdb(self._query.over(windows)))


@settings(max_examples=40, deadline=None)
@given(query=queries(), stream=out_of_order(values, late_ms=20, tables=TABLES, splits=SPLITS))
def test_a_windowed_query_is_that_of_the_batch_over_the_rows_in_time(query: Query, stream: Any) -> None:
    events, cuts, restarts = stream

    def compare(prefix: int, outcome: Any) -> None:
        assert outcome.total() == Batch(query, events[:prefix]).answer(ended=False)

    cut = run(query.plan(), events, cuts, restart_at=restarts, splits=SPLITS, observe=compare)
    batch = Batch(query, events)
    assert cut.total() == batch.answer(ended=True)
    assert cut.late == batch.late()
    if not query.running:
        assert cut.changes == run(query.plan(), events, splits=SPLITS).changes, "the same rows in the same order"
