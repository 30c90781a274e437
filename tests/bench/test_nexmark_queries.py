"""Nexmark's queries as streams: the accumulated changelog is DuckDB's answer over the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from nexmark_answers import KeptChanges, Oracle, compiled, ours, worker
from polars.testing import assert_frame_equal

from riacho.bench.nexmark import queries
from riacho.errors import RiachoError

EVENTS = 40_000
WHOLE = 131_072
SMALL = 1_777

BY_THE_CLOCK = {"q12"}
"""Their windows depend on when rows are processed."""


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    return Oracle(tmp_path_factory.mktemp("nexmark"), EVENTS)


@pytest.mark.parametrize("rows", [WHOLE, SMALL], ids=["whole", "small"])
@pytest.mark.parametrize("name", [name for name in queries.NAMES if name not in BY_THE_CLOCK])
def test_a_stream_gives_what_duckdb_gives(name: str, rows: int, oracle: Oracle, tmp_path: Path) -> None:
    queries.write_side_input(tmp_path)
    try:
        job = compiled(name, EVENTS, tmp_path)
    except RiachoError as refused:
        if name not in queries.WAITING:
            raise
        pytest.skip(f"{queries.WAITING[name]}: {refused}")
    answer = ours(job, rows)
    assert answer.height
    assert_frame_equal(answer, oracle.answer(name, like=answer))


@pytest.mark.parametrize("name", ["q3", "q4", "q5", "q17"])
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
