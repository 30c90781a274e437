"""OVER in the order of time as text: DuckDB's answer over the rows that were in time, however the input is cut.

Which rows those are a model of Flink's functions says, row by row.
"""

# ruff: noqa: DTZ001 - TIMESTAMP has no zone

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import oracle
import pytest
from changelogs import Event, Outcome, at, batches_between, run, started
from event_streams import out_of_order
from hypothesis import given, settings
from hypothesis import strategies as st
from query_text import aggregates, values

from riacho.dataflow.expressions import Settings
from riacho.host import ManualClock
from riacho.plan.relations import Field, Job, Relation, Schema, Sink
from riacho.plan.tables import Table
from riacho.plan.types import BIGINT, BOOLEAN, INT, STRING, TIMESTAMP_3
from riacho.sql.session import Session

DELAY_MS = 6
SPLITS = 2
DDL = f"""
CREATE TABLE t (k STRING, j INT, v BIGINT, flag BOOLEAN, ts TIMESTAMP(3), pt AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '{DELAY_MS / 1000}' SECOND)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
"""
ROWS = Schema(
    tuple(
        Field(name, kind)
        for name, kind in (
            *(("seq", BIGINT), ("k", STRING), ("j", INT), ("v", BIGINT), ("flag", BOOLEAN), ("ts", TIMESTAMP_3)),
            *(("pt", TIMESTAMP_3), ("life", INT), ("out", BOOLEAN)),
        )
    )
)


@dataclass(frozen=True)
class Query:
    """A query with OVER in its parts; all calls have the same window."""

    partition: tuple[str, ...]
    order: str
    frame: str
    calls: tuple[str, ...]

    @property
    def by(self) -> str:
        return f"PARTITION BY {', '.join(self.partition)} " if self.partition else ""

    def ours(self) -> str:
        calls = ", ".join(
            _over(call, f"({self.by}ORDER BY {self.order} {'' if call == 'ROW_NUMBER()' else self.frame})")
            for call in self.calls
        )
        return f"SELECT k, j, v, flag, ts, {calls} FROM t"

    def batch(self, condition: str) -> str:
        """The same in DuckDB, where arrival breaks the ties of ROWS."""
        rows = "ROWS" in self.frame or (self.order == "pt" and not self.frame)
        order = f"{self.order}, seq" if rows else self.order
        frame = self.frame or ("ROWS UNBOUNDED PRECEDING" if rows else "")
        by = f"PARTITION BY {', '.join((*self.partition, 'life'))}"
        calls = ", ".join(_for_duckdb(call, f"({by} ORDER BY {order} {frame})") for call in self.calls)
        return f"SELECT k, j, v, flag, ts, {calls} FROM rows QUALIFY {condition}"

    @property
    def preceding_ms(self) -> int | None:
        """The length of a bounded frame of time."""
        found = re.search(r"INTERVAL '([0-9.]+)'", self.frame)
        return None if found is None else round(float(found[1]) * 1000)

    def partition_of(self, event: Event) -> tuple[Any, ...]:
        columns = ROWS.names[1:]
        return tuple(event.values[columns.index(name)] for name in self.partition)

    def plan(self) -> Relation:
        session = Session()
        session.execute(DDL)
        return session.query(self.ours())


def _over(call: str, window: str) -> str:
    return f"{call} OVER {window}"


def _for_duckdb(call: str, window: str) -> str:
    for edge in ("FIRST_VALUE(v)", "LAST_VALUE(v)", "FIRST_VALUE(k)", "LAST_VALUE(k)"):
        call = call.replace(edge, f"{edge[:-1]} IGNORE NULLS)")
    text = _over(call, window)
    return f"CAST(TRUNC({text}) AS BIGINT)" if call.startswith("AVG") else text


UNBOUNDED_ROWS = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"

plain = (aggregates() | aggregates("k").filter(lambda call: "SUM" not in call and "AVG" not in call)).filter(
    lambda call: "FILTER" not in call
)
calls = plain | st.just("COUNT(*)")
edges = st.sampled_from(["FIRST_VALUE(v)", "LAST_VALUE(v)", "FIRST_VALUE(k)", "LAST_VALUE(k)"])
numbers = st.just("ROW_NUMBER()")


@st.composite
def queries(draw: st.DrawFn, *, order: str = "ts") -> Query:
    frame = draw(
        st.sampled_from(["", UNBOUNDED_ROWS])
        | st.integers(0, 5).map(lambda rows: f"ROWS BETWEEN {rows} PRECEDING AND CURRENT ROW")
        | st.integers(0, 15).map(
            lambda ms: f"RANGE BETWEEN INTERVAL '{ms / 1000:.3f}' SECOND PRECEDING AND CURRENT ROW"
        )
    )
    kinds = calls | edges
    if frame == UNBOUNDED_ROWS:
        kinds |= numbers
    return Query(
        partition=draw(st.sampled_from([(), ("k",), ("k", "j"), ("flag",)])),
        order=order,
        frame=frame,
        calls=tuple(draw(st.lists(kinds, min_size=1, max_size=4))),
    )


class Unbounded:
    """A partition whose frames are unbounded: what is behind the watermark is late."""

    def __init__(self) -> None:
        self.life = 0
        self.waiting: dict[int, list[int]] = {}
        self._watermark: int | None = None

    def takes(self, moment: int) -> bool:
        return self._watermark is None or moment > self._watermark

    def advance(self, watermark: int) -> list[int]:
        """The rows that come out."""
        self._watermark = watermark
        return [row for moment in sorted(self.waiting) if moment <= watermark for row in self.waiting.pop(moment)]


class Bounded:
    """A partition whose frames are bounded: late is what is no newer than the last timer that went off in this life.

    A clean-up goes off as a timer, and cleans up unless it was put off in the meantime.
    """

    def __init__(self, preceding_ms: int | None) -> None:
        self.life = 0
        self.waiting: dict[int, list[int]] = {}
        self._preceding_ms = preceding_ms
        self._timers: set[int] = set()
        self._last: int | None = None
        self._clean_up: int | None = None

    def takes(self, moment: int) -> bool:
        if self._last is not None and moment <= self._last:
            return False
        self._timers.add(moment)
        if self._preceding_ms is not None and (
            self._clean_up is None or self._clean_up < moment + self._preceding_ms + 1
        ):
            self._clean_up = moment + int(self._preceding_ms * 1.5) + 1
            self._timers.add(self._clean_up)
        return True

    def advance(self, watermark: int) -> list[int]:
        """The rows that come out."""
        out = []
        for timer in sorted(timer for timer in self._timers if timer <= watermark):
            self._timers.remove(timer)
            if self._clean_up is not None and self._clean_up <= timer:
                assert not self.waiting
                self._last = self._clean_up = None
                self.life += 1
            else:
                out += self.waiting.pop(timer, [])
                self._last = timer
        return out


class Batch:
    """The rows that were in time, and which of them have come out."""

    def __init__(self, events: list[Event], query: Query) -> None:
        bounded = query.frame not in ("", UNBOUNDED_ROWS)
        partitions: dict[tuple[Any, ...], Bounded | Unbounded] = {}
        levels: list[int | None] = [None] * SPLITS
        watermark = -(2**63)
        self.late = 0
        taken: dict[int, tuple[Any, ...]] = {}
        out: set[int] = set()
        for number, event in enumerate(events):
            moment = milliseconds(event.values[4])
            partition = partitions.setdefault(
                query.partition_of(event), Bounded(query.preceding_ms) if bounded else Unbounded()
            )
            if not bounded:
                partition.advance(watermark)
            if partition.takes(moment):
                partition.waiting.setdefault(moment, []).append(number)
                taken[number] = (number, *event.values, at(number), partition.life)
            else:
                self.late += 1
            level, reached = levels[event.split], moment - DELAY_MS
            levels[event.split] = reached if level is None else max(level, reached)
            least = min(-(2**63) if level is None else level for level in levels)
            if least > watermark:
                watermark = least
                for each in partitions.values():
                    out.update(each.advance(watermark))
        oracle.load("rows", ROWS, [(*row, number in out) for number, row in taken.items()])

    def answer(self, query: Query, *, ended: bool) -> Counter[tuple[Any, ...]]:
        return oracle.query(query.batch("TRUE" if ended else "out"))


def milliseconds(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1)).total_seconds() * 1000)


@settings(max_examples=60, deadline=None)
@given(query=queries(), stream=out_of_order(values, late_ms=15, splits=SPLITS))
def test_over_by_row_time_is_that_of_the_batch_over_the_rows_in_time(query: Query, stream: Any) -> None:
    events, cuts, restarts = stream

    def compare(prefix: int, outcome: Outcome) -> None:
        assert outcome.total() == Batch(events[:prefix], query).answer(query, ended=False)

    cut = run(query.plan(), events, cuts, restart_at=restarts, splits=SPLITS, observe=compare)
    batch = Batch(events, query)
    assert cut.total() == batch.answer(query, ended=True)
    assert cut.late == batch.late
    assert cut.changes == run(query.plan(), events, splits=SPLITS).changes, "the same rows in the same order"


@settings(max_examples=40, deadline=None)
@given(query=queries(order="pt"), stream=out_of_order(values, late_ms=15, splits=SPLITS))
def test_over_by_processing_time_takes_rows_as_they_come(query: Query, stream: Any) -> None:
    events, _, restarts = stream
    clock = ManualClock(milliseconds(at(0)))

    def tick(prefix: int, outcome: Outcome) -> None:  # each row in a pass of its own, a millisecond after the last
        del prefix, outcome
        clock.advance(1)

    outcome = run(
        query.plan(),
        events,
        range(len(events) + 1),
        restart_at=restarts,
        splits=SPLITS,
        settings=Settings(clock=clock),
        observe=tick,
    )
    oracle.load("rows", ROWS, [(number, *event.values, at(number), 0, True) for number, event in enumerate(events)])
    assert outcome.total() == oracle.query(query.batch("TRUE"))


@settings(max_examples=40, deadline=None)
@given(
    offset=st.integers(0, 3),
    default=st.sampled_from(["", ", CAST(-9 AS BIGINT)"]),
    stream=out_of_order(values, late_ms=15, splits=SPLITS),
)
def test_lag_looks_back_from_the_last_row_of_a_time(offset: int, default: str, stream: Any) -> None:
    events, cuts, restarts = stream
    session = Session()
    session.execute(DDL)
    relation = session.query(
        f"SELECT k, v, ts, LAG(v, {offset}{default}) OVER (PARTITION BY k ORDER BY ts), SUM(v) OVER (PARTITION BY k "
        "ORDER BY ts) FROM t"
    )
    outcome = run(relation, events, cuts, restart_at=restarts, splits=SPLITS)
    Batch(events, Query((), "ts", "", ()))
    assert outcome.total() == oracle.query(
        f"""
        SELECT k, v, ts, last_value(lagged) OVER (PARTITION BY k, ts ORDER BY seq
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), total
        FROM (
          SELECT *, lag(v, {offset}{default}) OVER (PARTITION BY k ORDER BY ts, seq) AS lagged,
            SUM(v) OVER (PARTITION BY k ORDER BY ts) AS total FROM rows
        )
        """
    )


@settings(max_examples=40, deadline=None)
@given(stream=out_of_order(values, late_ms=15, splits=SPLITS), rows=st.booleans())
def test_the_last_different_value_is_the_one_that_came_first_last(stream: Any, rows: bool) -> None:
    events, cuts, restarts = stream
    session = Session()
    session.execute(DDL)
    frame = "ROWS UNBOUNDED PRECEDING" if rows else ""
    relation = session.query(
        f"SELECT k, v, ts, LAST_VALUE(DISTINCT v) OVER w, FIRST_VALUE(DISTINCT v) OVER w FROM t "
        f"WINDOW w AS (PARTITION BY k ORDER BY ts {frame})"
    )
    outcome = run(relation, events, cuts, restart_at=restarts, splits=SPLITS)
    Batch(events, Query((), "ts", "", ()))
    at_row = """
        SELECT k, v, ts, seq,
          last_value(fresh IGNORE NULLS) OVER w AS latest, first_value(v IGNORE NULLS) OVER w AS earliest
        FROM (
          SELECT *, CASE WHEN row_number() OVER (PARTITION BY k, v ORDER BY ts, seq) = 1 THEN v END AS fresh FROM rows
        )
        WINDOW w AS (PARTITION BY k ORDER BY ts, seq ROWS UNBOUNDED PRECEDING)
        """
    of_peers = f"""
        SELECT k, v, ts, last_value(latest) OVER p, last_value(earliest) OVER p FROM ({at_row})
        WINDOW p AS (PARTITION BY k, ts ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
        """
    assert outcome.total() == oracle.query(f"SELECT * EXCLUDE seq FROM ({at_row})" if rows else of_peers)


def row(key: str, value: int, moment: int) -> Event:
    return Event("t", (key, None, value, None, at(moment)))


def test_frames_of_time_forget_their_rows_and_partitions() -> None:
    session = Session()
    session.execute(DDL)
    relation = session.query(
        "SELECT k, SUM(v) OVER (PARTITION BY k ORDER BY ts RANGE INTERVAL '0.010' SECOND PRECEDING) FROM t"
    )
    sizes: list[int] = []
    events = [row(f"key {number}", 1, number) for number in range(40_000)]

    graph = started(Job((Sink(relation, Table("out", (), (("connector", "blackhole"),))),)), Settings(), 1)
    for start in range(0, len(events), 4000):
        list(graph.run_pass(batches_between(graph, events, start, start + 4000)))
        sizes.append(max(metric.state_bytes for metric in graph.metrics()))

    assert sizes[-1] <= 1.5 * sizes[2], "state does not grow with the stream"


class DistinctFrame:
    """The different values of one partition's frame, a row at a time, as Flink counts them."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int | None]] = []
        self._counts: dict[int, int] = {}

    def leave(self, position: int) -> None:
        """The rows before this position are in no frame any more."""
        while self._rows and self._rows[0][0] < position:
            _, value = self._rows.pop(0)
            if value is not None:
                self._counts[value] -= 1
                if not self._counts[value]:
                    del self._counts[value]

    def take(self, position: int, value: int | None) -> None:
        self._rows.append((position, value))
        if value is not None:
            self._counts[value] = self._counts.get(value, 0) + 1  # a value that is there keeps its place

    @property
    def edges(self) -> tuple[int | None, int | None]:
        """The value that came in first, and the one that came in last."""
        values = list(self._counts)
        return (values[0], values[-1]) if values else (None, None)


@pytest.mark.parametrize("ranged", [False, True], ids=["rows", "range"])
@settings(max_examples=60, deadline=None)
@given(stream=out_of_order(values, late_ms=5, splits=1), reach=st.integers(0, 12))
def test_a_value_that_is_in_the_frame_keeps_its_place(ranged: bool, stream: Any, reach: int) -> None:
    events, cuts, restarts = stream
    session = Session()
    session.execute(DDL)
    frame = f"RANGE BETWEEN INTERVAL '{reach / 1000:.3f}' SECOND" if ranged else f"ROWS BETWEEN {reach}"
    relation = session.query(
        "SELECT k, v, ts, FIRST_VALUE(DISTINCT v) OVER w, LAST_VALUE(DISTINCT v) OVER w FROM t "
        f"WINDOW w AS (PARTITION BY k ORDER BY ts {frame} PRECEDING AND CURRENT ROW)"
    )
    partitions: dict[Any, list[tuple[int, int, Any]]] = {}
    for number, event in enumerate(events):  # none is late: the watermark is further behind than any row
        partitions.setdefault(event.values[0], []).append((milliseconds(event.values[4]), number, event.values))
    expected: Counter[tuple[Any, ...]] = Counter()
    for rows in partitions.values():
        rows.sort(key=lambda row: row[:2])
        distinct = DistinctFrame()
        for place, (moment, _, row) in enumerate(rows):
            distinct.leave(moment - reach if ranged else place - reach)
            peers = [other for other in rows if other[0] == moment] if ranged else [rows[place]]
            if not ranged or rows[place] == peers[0]:
                for other in peers:
                    distinct.take(moment if ranged else place, other[2][2])
            expected[(row[0], row[2], row[4], *distinct.edges)] += 1

    assert run(relation, events, cuts, restart_at=restarts).total() == expected
