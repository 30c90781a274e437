"""Nexmark's queries as streams: the accumulated changelog is DuckDB's answer over the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from nexmark_answers import KeptChanges, Oracle, compiled, ours, worker
from polars.testing import assert_frame_equal

from riacho.bench.nexmark import queries
from riacho.dataflow.connectors import ConnectorEnvironment, open_sink, open_source
from riacho.dataflow.sources import Source, SourceBatch
from riacho.host import ManualClock
from riacho.plan.relations import Scan

EVENTS = 40_000
WHOLE = 131_072
SMALL = 1_777

BY_THE_CLOCK = {"q12"}
"""Their windows depend on when rows are processed."""


class Slow:
    """A source that takes a second for every poll."""

    def __init__(self, source: Source, clock: ManualClock) -> None:
        self._source, self._clock = source, clock

    def poll(self, max_rows: int, max_bytes: int, max_wait_ms: int) -> SourceBatch | None:
        self._clock.advance(1_000)
        return self._source.poll(max_rows, max_bytes, max_wait_ms)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    return Oracle(tmp_path_factory.mktemp("nexmark"), EVENTS)


@pytest.mark.parametrize("rows", [WHOLE, SMALL], ids=["whole", "small"])
@pytest.mark.parametrize("name", [name for name in queries.NAMES if name not in BY_THE_CLOCK])
def test_a_stream_gives_what_duckdb_gives(name: str, rows: int, oracle: Oracle, tmp_path: Path) -> None:
    queries.write_side_input(tmp_path)
    answer = ours(compiled(name, EVENTS, tmp_path), rows)
    assert answer.height
    assert_frame_equal(answer, oracle.answer(name, like=answer))


def test_the_files_of_q10_hold_its_bids_by_their_minutes(oracle: Oracle, tmp_path: Path) -> None:
    queries.write_side_input(tmp_path)
    job = compiled("q10", EVENTS, tmp_path)
    (sink,) = job.sinks
    running, wiring = worker(job, KeptChanges(), SMALL)
    wiring.sinks.update(dict.fromkeys(wiring.sinks, open_sink(sink, ConnectorEnvironment())))
    try:
        assert running.run()
    finally:
        wiring.close()
    read = open_source(Scan(sink.table, tuple(sink.schema.names)), ConnectorEnvironment())
    frames = []
    while not read.finished:
        batch = read.poll(WHOLE, 1 << 30, 0)
        frames += [] if batch is None else [batch.frame]
    found = pl.concat(frames)
    columns = found.columns
    assert_frame_equal(found.sort(columns), oracle.answer("q10", like=found).select(columns).sort(columns))
    minutes = {f"dt={day}/hm={minute.replace(':', '%3A')}" for day, minute in found.select("dt", "hm").unique().rows()}
    marked = {str(path.parent.relative_to(tmp_path / "bid")) for path in (tmp_path / "bid").rglob("_SUCCESS")}
    assert marked == minutes


def test_windows_of_the_clock_count_the_bids_that_were_read_in_them(oracle: Oracle, tmp_path: Path) -> None:
    clock = ManualClock(wall_ms=0)
    kept = KeptChanges()
    running, wiring = worker(compiled("q12", EVENTS, tmp_path), kept, SMALL, clock=clock)
    (source,) = wiring.sources.values()
    wiring.sources.update(dict.fromkeys(wiring.sources, Slow(source, clock)))
    try:
        assert running.run()
    finally:
        wiring.close()
    windows = kept.answer()
    assert windows["starttime"].n_unique() > 1
    assert ((windows["endtime"] - windows["starttime"]).dt.total_seconds() == 10).all()
    counted = windows.group_by("bidder").agg(pl.col("bid_count").sum())
    bids = counted.join(oracle.answer("q12", like=counted), on="bidder", suffix="_in_all")
    assert bids.height == counted.height
    assert (bids["bid_count"] <= bids["bid_count_in_all"]).all()


@pytest.mark.parametrize("name", ["q3", "q4", "q5", "q9", "q17", "q18"])
def test_a_query_goes_on_from_the_event_where_it_was_stopped(name: str, oracle: Oracle, tmp_path: Path) -> None:
    job = compiled(name, EVENTS, tmp_path)
    kept = KeptChanges()
    for runs in range(1, EVENTS):
        running, wiring = worker(job, kept, 7_001, tmp_path / "state")
        running.restore()
        (source,) = wiring.sources.values()
        kept.on_write = running.stop if runs < 4 else None
        try:
            if running.run():
                break
        finally:
            wiring.close()
        assert source.positions()["event"] < EVENTS
    assert runs == 4
    answer = kept.answer()
    assert_frame_equal(answer, oracle.answer(name, like=answer))
