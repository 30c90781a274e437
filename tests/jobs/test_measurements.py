"""What a worker measures: which partition holds the watermark back."""

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
    _tell_what_holds_back([*measured([(0, 5_000), (2, 1_000), (1, 3_000)]), *measured([(0, 5_000)])])

    assert capsys.readouterr().out.splitlines() == [
        "",
        "the watermark of trips waits for trips-2: its own is 1970-01-01 00:00:01 UTC",
        "the watermark of trips waits for trips-1: no row has come yet",
    ]
