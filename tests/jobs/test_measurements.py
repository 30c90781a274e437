"""What a worker measures: how far event time has come, and which partition holds it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import polars as pl

from riacho.cli.job import _tell_what_holds_back
from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.graph import Graph
from riacho.dataflow.sources import Source, SourceCounts
from riacho.host import ManualClock
from riacho.jobs.measurements import Measurements
from riacho.sql.session import compile_script

TRIPS = """
CREATE TABLE trips (city STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE seen (city STRING, ts TIMESTAMP(3)) WITH ('connector' = 'print');
INSERT INTO seen SELECT city, ts FROM trips;
"""


class Partitions:
    """As much of a source as is measured."""

    counts = SourceCounts()

    def __init__(self, splits: Sequence[str]) -> None:
        self.splits = splits

    def lag(self) -> int | None:
        return None


def test_the_watermark_of_a_job_is_that_of_a_table_that_is_not_idle() -> None:
    script = """
        CREATE TABLE rare (ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
          WITH ('connector' = 'kafka', 'scan.watermark.idle-timeout' = '1 s');
        CREATE TABLE often (ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
        CREATE TABLE seen (ts TIMESTAMP(3)) WITH ('connector' = 'print');
        INSERT INTO seen SELECT ts FROM rare UNION ALL SELECT ts FROM often;
    """
    clock = ManualClock()
    (job,) = compile_script(script, "rare.sql").jobs
    graph = Graph.build(job, Settings(clock=clock))
    scans = {relation.table.name: scan for scan, relation in graph.scans.items()}
    list(graph.run_pass({scans["rare"]: at_millis(1_000, first=0), scans["often"]: at_millis(2_000, first=1)}))
    clock.advance(1_000)
    list(graph.run_pass({scans["often"]: at_millis(3_000, first=2)}))
    measurements = Measurements(clock)
    sources = {scan: cast(Source, Partitions([f"{name}-0"])) for name, scan in scans.items()}
    assert measurements.update(graph, sources, {}, final=True)
    assert measurements.current["watermark"] == 3_000
    assert [each["table"] for each in measurements.current["held_back_by"]] == ["often"]
    assert measurements.current["idle_tables"] == ["rare"]


def at_millis(millis: int, *, first: int) -> Batch:
    times = pl.Series("ts", [millis * 1000], dtype=pl.Int64).cast(pl.Datetime("us"))
    return Batch(times.to_frame(), np.array([first]), WatermarkSteps.still(), split=np.zeros(1, np.int32))


def measured(rows: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """What holds the watermark back after rows of (partition, milliseconds)."""
    (job,) = compile_script(TRIPS, "trips.sql").jobs
    graph = Graph.build(job, Settings(clock=ManualClock()))
    (scan,) = graph.scans
    graph.assign_splits(scan, range(3))
    times = pl.Series([millis * 1000 for _, millis in rows], dtype=pl.Int64).cast(pl.Datetime("us"))
    frame = pl.DataFrame({"city": ["x"] * len(rows), "ts": times})
    splits = np.array([split for split, _ in rows], np.int32)
    list(graph.run_pass({scan: Batch(frame, np.arange(len(rows)), WatermarkSteps.still(), split=splits)}))
    measurements = Measurements(ManualClock())
    sources = {scan: cast(Source, Partitions(["trips-0", "trips-1", "trips-2"]))}
    assert measurements.update(graph, sources, {}, final=True)
    held: list[dict[str, Any]] = measurements.current["held_back_by"]
    return held


def test_a_partition_without_rows_holds_the_watermark_back() -> None:
    assert measured([(0, 5_000), (2, 1_000)]) == [{"table": "trips", "split": "trips-1", "watermark": None}]


def test_the_partition_that_is_furthest_behind_holds_the_watermark_back() -> None:
    assert measured([(0, 5_000), (2, 1_000), (1, 3_000)]) == [
        {"table": "trips", "split": "trips-2", "watermark": 1_000}
    ]


def test_the_command_line_names_it(capsys: Any) -> None:
    held = [*measured([(0, 5_000), (2, 1_000), (1, 3_000)]), *measured([(0, 5_000)])]

    _tell_what_holds_back(held, ["rare"])

    assert capsys.readouterr().out.splitlines() == [
        "",
        "the watermark of trips waits for trips-2: its own is 1970-01-01 00:00:01 UTC",
        "the watermark of trips waits for trips-1: no row has come yet",
        "rare is idle: nothing came for its idle-timeout, and no watermark waits for it",
    ]


def test_operators_are_drawn_as_explain_draws_them_and_shared_ones_once() -> None:
    script = f"""
        {TRIPS.replace("INSERT INTO seen SELECT city, ts FROM trips;", "")}
        CREATE TABLE counts (city STRING, n BIGINT) WITH ('connector' = 'print');
        CREATE VIEW late AS SELECT UPPER(city) AS city, ts FROM trips WHERE city <> 'x';
        BEGIN STATEMENT SET;
        INSERT INTO seen SELECT city, ts FROM late;
        INSERT INTO counts SELECT city, COUNT(*) FROM late GROUP BY city;
        END;
    """
    (job,) = compile_script(script, "counts.sql").jobs
    graph = Graph.build(job, Settings(clock=ManualClock()))
    (scan,) = graph.scans
    times = pl.Series([1_000, 2_000], dtype=pl.Int64).cast(pl.Datetime("us"))
    rows = pl.DataFrame({"city": ["a", "x"], "ts": times})
    list(graph.run_pass({scan: Batch(rows, np.arange(2), WatermarkSteps.still())}))
    measurements = Measurements(ManualClock())
    assert measurements.update(graph, {scan: cast(Source, Partitions(["trips-0"]))}, {}, final=True)
    operators = measurements.current["operators"]
    assert [f"{each['margin']}{each['name']}" for each in operators] == [
        "Sink(table=[seen], fields=[city, ts])",
        "└─ Calc(select=[UPPER(city) AS city, ts])",
        "   └─ Calc(where=[(city <> 'x')])",
        "      └─ WatermarkAssigner(rowtime=[ts], watermark=[ts])",
        "         └─ TableSourceScan(table=[trips], fields=[city, ts])",
        "Sink(table=[counts], fields=[city, n])",
        "└─ Calc(select=[city, EXPR$0 AS n])",
        "   └─ GroupAggregate(groupBy=[city], select=[city, COUNT(*) AS EXPR$0])",
        "      └─ Calc(select=[UPPER(city) AS city])",
        "         └─ as above: Calc(where=[(city <> 'x')])",
    ]
    assert [each["rows_out"] for each in operators] == [1, 1, 1, 2, 2, 1, 1, 1, 1, None]
    assert [each["state_bytes"] is None for each in operators] == [False] * 9 + [True]
