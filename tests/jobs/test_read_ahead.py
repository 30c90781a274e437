"""A source that is read ahead gives what it gives by itself, and stands where its rows say."""

from __future__ import annotations

from typing import cast

import polars as pl
import pytest

from riacho.dataflow.connectors import ConnectorEnvironment, open_source
from riacho.dataflow.sources import Source, SourceBatch
from riacho.host import SystemClock
from riacho.jobs.ahead import AHEAD_ROWS, ReadAhead, read_ahead
from riacho.plan.relations import Scan, walk_relations
from riacho.sql.session import compile_script

SCRIPT = """
CREATE TABLE numbers (n BIGINT, letter STRING) WITH (
  'connector' = 'datagen', 'number-of-rows' = '{rows}', 'rows-per-second' = '1000000000',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '{rows}'
);
CREATE TABLE nowhere (n BIGINT, letter STRING) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT n, letter FROM numbers;
"""


def numbers(rows: int) -> Source:
    (job,) = compile_script(SCRIPT.format(rows=rows)).jobs
    scan = next(step for step in walk_relations(job.sinks[0]) if isinstance(step, Scan))
    return open_source(scan, ConnectorEnvironment("test", SystemClock(), None, "UTC"))


def polled(source: Source, rows: int) -> SourceBatch:
    batch = source.poll(rows, 1 << 30, 0)
    assert batch is not None
    return batch


def test_batches_and_positions_are_those_of_the_source_itself() -> None:
    rows = 4 * AHEAD_ROWS + 10
    plain, ahead = numbers(rows), ReadAhead(numbers(rows))
    while not plain.finished:
        expected, found = polled(plain, AHEAD_ROWS), polled(ahead, AHEAD_ROWS)
        assert found.frame["n"].equals(expected.frame["n"])
        assert ahead.positions() == plain.positions()
        assert ahead.counts == plain.counts
        assert (ahead.finished, ahead.finished_splits) == (plain.finished, plain.finished_splits)
    assert ahead.finished
    ahead.close()


def test_a_job_goes_on_after_the_rows_that_were_taken_not_after_those_read_ahead() -> None:
    rows = 4 * AHEAD_ROWS
    first = ReadAhead(numbers(rows))
    taken = [polled(first, AHEAD_ROWS).frame for _ in range(2)]
    positions = first.positions()
    first.close()

    second = ReadAhead(numbers(rows))
    second.seek(positions)
    while not second.finished:
        batch = second.poll(AHEAD_ROWS, 1 << 30, 0)
        taken += [] if batch is None else [batch.frame]
    second.close()

    assert pl.concat(taken)["n"].to_list() == list(range(1, rows + 1))


def test_small_batches_are_polled_when_they_are_asked_for() -> None:
    source = numbers(3 * AHEAD_ROWS)
    ahead = ReadAhead(source)

    polled(ahead, AHEAD_ROWS - 1)

    assert ahead.positions() == source.positions(), "nothing was polled beyond what was given out"
    ahead.close()


class SourceThatReadsAhead:
    reads_ahead = True


def test_a_source_is_read_ahead_where_a_processor_is_left_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, by_itself = numbers(1), cast("Source", SourceThatReadsAhead())
    for processors in (1, 2):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, count=processors: set(range(count)))
        assert (read_ahead(plain) is not plain) == (processors > 1)
        assert read_ahead(by_itself) is by_itself
