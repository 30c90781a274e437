"""Compares topics cell by cell: results with DuckDB's at the prefix that a job has reported, events with the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from riacho.demo.check.evidence import WHOLE, Bounds, Columns, TopicLog
from riacho.demo.check.published import KEY, Published
from riacho.demo.check.results import EVENTS, RESULTS, Result
from riacho.demo.topics import DIMENSIONS

TOLERANCE = 1e-9
"""Relative: floating-point sums depend on their order."""

SHOWN = 3
"""Differing rows that are shown of each result."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A job's report: it had read these offsets per topic and partition, and written up to those."""

    sources: dict[str, dict[int, int]]
    sinks: dict[str, dict[int, int]]


@dataclass(frozen=True, slots=True)
class Compared:
    """A topic against what it must hold: cells, how many differ, and examples."""

    topic: str
    rows: int
    cells: int
    differ: int
    examples: tuple[str, ...] = ()


def topic_logs() -> dict[str, TopicLog]:
    """An empty log for every topic that the comparison reads."""
    logs = {topic: TopicLog(columns) for topic, columns in EVENTS.items()}
    for result in RESULTS:
        logs[result.topic] = TopicLog({**result.columns, **result.context})
    return logs


@dataclass(slots=True)
class Oracle:
    """DuckDB over what the topics hold."""

    logs: Mapping[str, TopicLog]
    _connection: Any = field(init=False)

    def __post_init__(self) -> None:
        import duckdb

        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute("SET TimeZone = 'UTC'")

    def compare(self, cuts: Mapping[str, Cut]) -> list[Compared]:
        """Every result of every job that has reported a cut."""
        compared = []
        prepared: str | None = None
        for result in RESULTS:
            cut = cuts.get(result.job)
            if cut is None:
                continue
            if prepared != result.job:
                self._prepare(cut)
                prepared = result.job
            compared.append(self._compare(result, cut))
        return compared

    def _prepare(self, cut: Cut) -> None:
        """The events of a job's prefix, as tables."""
        for topic in EVENTS:
            bounds = cut.sources.get(topic)
            if bounds is None:
                continue
            log = self.logs[topic]
            records = log.newest(bounds) if topic in DIMENSIONS else log.below(bounds)
            self._table(topic.removeprefix("flights."), records.filter(pl.col("state") == WHOLE))
        late = self.logs["flights.late"].newest(cut.sinks.get("flights.late", {}))
        self._table("late", late.filter(pl.col("state") == WHOLE).select("id", "watermark", "missed_hour"))
        # The least of the partitions' watermarks, once each has one.
        partitions = len(cut.sources.get("flights.departures", {}))
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE closed AS SELECT CASE WHEN count(*) = ? THEN min(reached) END AS up_to FROM "
            "(SELECT max(event_time) - INTERVAL 10 MINUTE AS reached FROM departures GROUP BY part)",
            [partitions],
        )

    def compare_published(self, wanted: Published, read: Bounds) -> Compared:
        """What was published, below these offsets, against what must have been."""
        log = self.logs[wanted.topic]
        self._table("actual", log.newest(read) if wanted.topic in DIMENSIONS else log.below(read))
        self._table("expected", wanted.records)
        return self._differences(wanted.topic, (KEY,), wanted.columns)

    def _compare(self, result: Result, cut: Cut) -> Compared:
        self._table("actual", self.logs[result.topic].newest(cut.sinks.get(result.topic, {})))
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE expected AS {result.query}")
        return self._differences(result.topic, result.key, result.columns)

    def _differences(self, topic: str, key: Sequence[str], columns: Columns) -> Compared:
        """All cells of a row differ where only one side has it, or the stream has it more than once."""
        connection = self._connection
        keys = ", ".join(f'"{name}"' for name in key)
        same = " AND ".join(f'a."{name}" = e."{name}"' for name in key)
        wrong_cells = " + ".join(f"({_differs(name, kind)})::INT" for name, kind in columns.items())
        total = f"CASE WHEN a.here AND e.here THEN {wrong_cells} ELSE {len(columns)} END"
        joined = (
            f"FROM (SELECT *, true AS here, row_number() OVER (PARTITION BY {keys}) AS copy FROM actual) AS a "
            f"FULL JOIN (SELECT *, true AS here FROM expected) AS e ON {same} AND a.copy = 1"
        )
        rows, differ = connection.execute(f"SELECT count(*), coalesce(sum({total}), 0) {joined}").fetchone()
        examples: tuple[str, ...] = ()
        if differ:
            found = connection.execute(
                f"SELECT a::VARCHAR, e::VARCHAR {joined} WHERE {total} > 0 LIMIT {SHOWN}"
            ).fetchall()
            examples = tuple(f"stream {stream}, batch {batch}" for stream, batch in found)
        return Compared(topic, int(rows), int(rows) * len(columns), int(differ), examples)

    def _table(self, name: str, frame: pl.DataFrame) -> None:
        source = _Stream(frame)  # noqa: F841 - DuckDB finds it by its name
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM source")


@dataclass(frozen=True, slots=True)
class _Stream:
    """A frame as DuckDB takes it without pyarrow: by the Arrow PyCapsule interface alone."""

    frame: pl.DataFrame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.frame.__arrow_c_stream__(requested_schema)


def _differs(name: str, kind: pl.DataType | type[pl.DataType]) -> str:
    actual, expected = f'a."{name}"', f'e."{name}"'
    if kind == pl.Float64:
        near = f"abs({actual} - {expected}) <= {TOLERANCE} * greatest(abs({expected}), 1)"
        return f"({actual} IS NULL) <> ({expected} IS NULL) OR NOT coalesce({near}, true)"
    return f"{actual} IS DISTINCT FROM {expected}"
