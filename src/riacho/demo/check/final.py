"""`riacho demo --check`: the whole replay against the files and DuckDB, and an account of every event that was sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from riacho.client.admin import Admin
from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.columns import RecordColumns
from riacho.client.fetcher import Fetcher
from riacho.client.offsets import EARLIEST, LATEST
from riacho.demo.check.checker import Checker, Offsets
from riacho.demo.check.compare import Compared, Cut
from riacho.demo.check.evidence import MOMENT, WHOLE
from riacho.demo.check.published import published
from riacho.demo.check.results import RESULTS
from riacho.demo.replay_options import ReplayOptions
from riacho.demo.topics import CLOCK, EVENT_PARTITIONS
from riacho.errors import RiachoError
from riacho.host import Clock
from riacho.jobs.topics import create_registry

TIMEOUT_MS = 20 * 60 * 1000
POLL_MS = 500
WATERMARK_DELAY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the departures: each is used, late, dead, or in an hour that has not closed."""

    sent: int
    used: int
    late: int
    dead: int
    open: int
    dead_as_expected: bool
    """Whether the dead letters are exactly the records that are no JSON, by partition and offset."""

    @property
    def balanced(self) -> bool:
        return self.dead_as_expected and self.sent == self.used + self.late + self.dead + self.open


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of the final check."""

    compared: list[Compared]
    account: Account

    @property
    def agrees(self) -> bool:
        return self.account.balanced and not any(each.differ for each in self.compared)


class FinalCheck(Checker):
    """Waits until the replay has ended and every job has read all of it, then compares once."""

    def __init__(self, cluster: Cluster, clock: Clock, replay: ReplayOptions) -> None:
        super().__init__(cluster, clock)
        self._replay = replay
        self._admin = Admin(cluster)
        self._dead: set[tuple[int, int]] = set()
        self._ended = False

    def run(self, progress: Callable[[str], None]) -> Verdict:
        """Raises `RiachoError` where the jobs do not get there within `TIMEOUT_MS`."""
        create_registry(self._admin)
        self._assign()
        deadline = self._clock.monotonic_ms() + TIMEOUT_MS
        while not self._complete():
            self.read(POLL_MS)
            progress(self._state())
            if self._clock.monotonic_ms() > deadline:
                raise RiachoError(f"the jobs have not finished within {TIMEOUT_MS // 60_000} minutes: {self._state()}")
        cuts = {job: known.waiting[-1] for job, known in self._cuts.items()}
        sent = [self._oracle.compare_published(each, self._read[each.topic]) for each in published(self._replay)]
        return Verdict(sent + self._oracle.compare(cuts), self._account(cuts["flights-delays"]))

    def _complete(self) -> bool:
        """Whether every job has reported a cut that covers everything that was published."""
        if not self._clock_says_ended():
            return False
        jobs = {result.job for result in RESULTS}
        ends = self._ends()
        return all(
            job in self._cuts
            and (cut := self._cuts[job].usable(self._read)) is not None
            and all(offsets == ends[topic] for topic, offsets in cut.sources.items() if topic in EVENT_PARTITIONS)
            for job in jobs
        )

    def _clock_says_ended(self) -> bool:
        if not self._ended:
            partition = TopicPartition(CLOCK, 0)
            end = self._admin.list_offsets({partition: LATEST})[partition].offset
            if end > 0:
                with Fetcher(self._cluster) as fetcher:
                    fetcher.assign({partition: end - 1}, until={partition: end})
                    for columns in fetcher.fetch(max_wait_ms=POLL_MS):
                        self._ended = bool(json.loads(columns.value[len(columns) - 1] or b"{}").get("ended"))
        return self._ended

    def _ends(self) -> Offsets:
        partitions = [TopicPartition(topic, index) for topic, n in EVENT_PARTITIONS.items() for index in range(n)]
        ends: Offsets = {}
        for partition, listed in self._admin.list_offsets(dict.fromkeys(partitions, LATEST)).items():
            ends.setdefault(partition.topic, {})[partition.partition] = listed.offset
        return ends

    def _state(self) -> str:
        read = sum(self._read.get("flights.departures", {}).values())
        return f"{read:,} departures published, {len(self._cuts)} of {len({r.job for r in RESULTS})} jobs report"

    def _account(self, cut: Cut) -> Account:
        records = self._logs["flights.departures"].below(cut.sources["flights.departures"])
        whole = pl.col("state") == WHOLE
        expected_dead = set(records.filter(~whole).select("part", "off").iter_rows())
        events = records.filter(whole)
        missed = self._logs["flights.late"].newest(cut.sinks["flights.late"]).filter("missed_hour")["id"]
        delays = self._logs["flights.delays"].newest(cut.sinks["flights.delays"])
        latest = events["event_time"].max()
        assert isinstance(latest, datetime), "the year has departures"
        hour = events["event_time"].dt.truncate("1h")
        closed = (hour.cast(MOMENT) + timedelta(hours=1, milliseconds=-1)) <= latest - WATERMARK_DELAY
        open_rows = events.filter(~closed & ~events["id"].is_in(missed.implode())).height
        return Account(
            sent=records.height,
            used=int(delays.select(pl.col("departed").sum() + pl.col("cancelled").sum()).item()),
            late=missed.len(),
            dead=len(self._dead_letters()),
            open=open_rows,
            dead_as_expected=self._dead == expected_dead,
        )

    def _dead_letters(self) -> set[tuple[int, int]]:
        """The origins of the departures' dead letters, each once: a job that was killed may have sent some twice."""
        partition = TopicPartition("flights.departures.dead-letter", 0)
        end = self._admin.list_offsets({partition: LATEST})[partition].offset
        if end:
            with Fetcher(self._cluster) as fetcher:
                fetcher.assign({partition: EARLIEST}, until={partition: end})
                while not fetcher.finished:
                    for columns in fetcher.fetch(max_wait_ms=POLL_MS):
                        self._dead |= _origins(columns)
        return self._dead


def _origins(columns: RecordColumns) -> set[tuple[int, int]]:
    origins = set()
    for headers in columns.headers.to_values():
        named = {name: value for name, value in headers if value is not None}
        origins.add((int(named["partition"]), int(named["offset"])))
    return origins
