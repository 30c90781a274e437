"""Lookup joins of files that change: what each row meets, by the clock and the table's cache."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from changelogs import Event, batches_between, started
from changelogs import _rows as changes_of

from riacho.dataflow.connectors import check_table
from riacho.dataflow.expressions import Settings, zone
from riacho.errors import RiachoError
from riacho.host import ManualClock
from riacho.plan.relations import Job, Sink
from riacho.plan.tables import Table
from riacho.sql.errors import SqlError
from riacho.sql.session import Session

NOON = 1_704_110_400_000


class Looking:
    """A job that looks the values of keys up in a file, on a clock that is moved by hand."""

    def __init__(self, folder: Path, options: str, *, where: str = "UTC", join: str = "LEFT JOIN") -> None:
        self.path = folder / "names.json"
        self._changes = 0
        self.write(a="one")
        session = Session(check_table=check_table)
        session.execute(f"""
            CREATE TABLE t (k STRING, pt AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json',
              'properties.bootstrap.servers' = 'nowhere:1', 'scan.startup.mode' = 'earliest-offset');
            CREATE TABLE names (k STRING, name STRING, loud AS UPPER(name)) WITH ('connector' = 'filesystem',
              'path' = '{self.path}', 'format' = 'json'{options});
        """)
        query = f"SELECT t.k, n.loud FROM t {join} names FOR SYSTEM_TIME AS OF t.pt AS n ON t.k = n.k"
        self._job = Job((Sink(session.query(query), Table("out", (), (("connector", "blackhole"),))),))
        self.clock = ManualClock(NOON)
        self._settings = Settings(zone=zone(where), clock=self.clock)
        self._events: list[Event] = []
        self.graph = started(self._job, self._settings, 1)

    def write(self, **names: str) -> None:
        """The file is another from now on."""
        self.path.write_text("".join(json.dumps({"k": k, "name": name}) + "\n" for k, name in names.items()))
        self._changes += 1
        os.utime(self.path, (self._changes, self._changes))  # two writes may fall into one tick of the file system

    def rows(self, *keys: str | None) -> list[Any]:
        """What rows with these keys meet in a pass at this moment."""
        start = len(self._events)
        self._events += [Event("t", (key,)) for key in keys]
        batches = batches_between(self.graph, self._events, start, len(self._events))
        return [row for row, _ in changes_of(self.graph.run_pass(batches))]

    def names(self, *keys: str | None) -> list[Any]:
        return [name for _, name in self.rows(*keys)]


def test_without_a_cache_each_pass_asks_the_files(tmp_path: Path) -> None:
    job = Looking(tmp_path, ", 'lookup.cache' = 'NONE'")
    assert job.rows("a", "b", None) == [("a", "ONE"), ("b", None), (None, None)]
    job.write(a="two", b="three")
    assert job.names("a", "b", "a") == ["TWO", "THREE", "TWO"]


def test_an_inner_join_drops_what_finds_nothing(tmp_path: Path) -> None:
    job = Looking(tmp_path, ", 'lookup.cache' = 'NONE'", join="JOIN")
    assert job.rows("b", "a", None) == [("a", "ONE")]


def test_a_partial_cache_keeps_what_a_key_met_for_a_time_after_it_was_read(tmp_path: Path) -> None:
    job = Looking(tmp_path, ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.expire-after-write' = '10 s'")
    assert job.names("a", "b") == ["ONE", None]
    job.write(a="two", b="three", c="four")
    job.clock.advance(9_999)
    assert job.names("a", "c", "b", None) == ["ONE", "FOUR", None, None], "only the new key asks the file"
    job.clock.advance(1)
    assert job.names("a", "b") == ["TWO", "THREE"]


def test_a_partial_cache_keeps_what_is_asked_for(tmp_path: Path) -> None:
    job = Looking(tmp_path, ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.expire-after-access' = '10 s'")
    job.names("a")
    job.write(a="two")
    for _ in range(3):
        job.clock.advance(9_000)
        assert job.names("a") == ["ONE"]
    job.clock.advance(10_000)
    assert job.names("a") == ["TWO"]


def test_a_partial_cache_may_ask_again_for_what_was_not_there(tmp_path: Path) -> None:
    job = Looking(tmp_path, ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.cache-missing-key' = 'false'")
    assert job.names("b", "a", "b") == [None, "ONE", None]
    job.write(a="two", b="three")
    assert job.names("b", "a") == ["THREE", "ONE"]


def test_a_partial_cache_lets_the_keys_go_that_were_asked_for_least_recently(tmp_path: Path) -> None:
    job = Looking(tmp_path, ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '2'")
    for key in "abc":
        job.names(key)
        job.clock.advance(1)
    job.write(a="two", b="three", c="four")
    assert job.names("b", "c") == [None, None]
    assert job.names("a") == ["TWO"]


def test_a_full_cache_is_read_again_by_the_clock_though_no_row_comes(tmp_path: Path) -> None:
    job = Looking(tmp_path, ", 'lookup.cache' = 'FULL', 'lookup.full-cache.periodic-reload.interval' = '1 min'")
    assert job.names("a") == ["ONE"]
    job.write(a="two")
    job.clock.advance(59_999)
    assert job.names("a") == ["ONE"]
    assert job.graph.wake_at_ms == NOON + 60_000
    job.clock.advance(1)
    assert job.rows() == []
    job.write(a="three")
    assert job.names("a") == ["TWO"]


@pytest.mark.parametrize(("mode", "due"), [("FIXED_DELAY", 150_000), ("FIXED_RATE", 120_000)])
def test_a_full_cache_is_read_at_a_delay_or_a_rate(tmp_path: Path, mode: str, due: int) -> None:
    options = ", 'lookup.cache' = 'FULL', 'lookup.full-cache.periodic-reload.interval' = '1 min'"
    job = Looking(tmp_path, f"{options}, 'lookup.full-cache.periodic-reload.schedule-mode' = '{mode}'")
    job.rows()
    job.clock.advance(90_000)
    job.rows()
    assert job.graph.wake_at_ms == NOON + due


@pytest.mark.parametrize(
    ("at", "where", "hours"), [("13:30", "UTC", 1.5), ("11:00", "UTC", 23), ("13:30+02:00", "UTC", 23.5)]
)
def test_a_full_cache_is_read_at_a_time_of_day(tmp_path: Path, at: str, where: str, hours: float) -> None:
    options = ", 'lookup.cache' = 'FULL', 'lookup.full-cache.reload-strategy' = 'TIMED'"
    options += f", 'lookup.full-cache.timed-reload.iso-time' = '{at}'"
    job = Looking(tmp_path, f"{options}, 'lookup.full-cache.timed-reload.interval-in-days' = '2'", where=where)
    job.rows()
    first = NOON + int(hours * 3_600_000)
    assert job.graph.wake_at_ms == first
    job.clock.advance(int(hours * 3_600_000))
    job.rows()
    assert job.graph.wake_at_ms == first + 2 * 86_400_000


def test_a_table_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    job = Looking(tmp_path, ", 'lookup.cache' = 'NONE', 'lookup.max-retries' = '1'")
    job.path.unlink()
    with pytest.raises(RiachoError, match=r"table names: .* cannot be read"):
        job.rows("a")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("'lookup.cache' = 'SOME'", "but must be 'NONE', 'PARTIAL' or 'FULL'"),
        ("'lookup.cache' = 'FULL'", "needs the option 'lookup.full-cache.periodic-reload.interval'"),
        ("'lookup.partial-cache.max-rows' = '5'", "needs 'lookup.cache' = 'PARTIAL'"),
        ("'lookup.cache' = 'FULL', 'lookup.full-cache.reload-strategy' = 'TIMED'", "timed-reload.iso-time'"),
        (
            "'lookup.cache' = 'FULL', 'lookup.full-cache.periodic-reload.interval' = '1 s', "
            "'lookup.full-cache.timed-reload.iso-time' = '10:00'",
            "is not for 'lookup.full-cache.reload-strategy' = 'PERIODIC'",
        ),
    ],
)
def test_wrong_caches_are_refused(tmp_path: Path, options: str, message: str) -> None:
    with pytest.raises(SqlError) as caught:
        Looking(tmp_path, f", {options}")
    assert message in str(caught.value)
