"""The registry of jobs, read and written once: what a command needs. (The console keeps views of it instead.)"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from riacho.client.admin import Admin
from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.columns import ProduceColumns
from riacho.client.fetcher import Fetcher
from riacho.client.offsets import EARLIEST, LATEST
from riacho.client.producer import Producer
from riacho.errors import RiachoError, UsageError
from riacho.host import Clock
from riacho.jobs.registry import (
    JOBS_TOPIC,
    METRICS_TOPIC,
    REGISTRY,
    STATUS_TOPIC,
    JobSpec,
    Phase,
    Wanted,
    read_measurements,
    read_specs,
    read_status,
)

READ_TIMEOUT_MS = 10_000

START_MS = 10_000
START_POLL_S = 0.2
"""How long a platform's broker may serve before its part that runs jobs does, on a busy machine; how often to look."""

TAKE_UP_MS = 10_000
"""How long a platform may take to begin with what a command asks for: it may be starting, and ends workers in turn."""

STALE_MS = 10_000
"""Measurements older than this say nothing of a job that has ended or hangs."""

Json = dict[str, Any]


class JobCatalog:
    """The jobs of the platform on a cluster. Methods raise `RiachoError` where there is no platform."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._producer: Producer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._producer is not None:
            self._producer.close(0 if kind is not None else None)

    def await_platform(self, told: Callable[[], None]) -> None:
        """Wait a while for a platform that is about to start, which `told` tells. Raises `RiachoError`."""
        deadline = self._clock.monotonic_ms() + START_MS
        while not REGISTRY.issubset(self._topics()):
            told()
            if self._clock.monotonic_ms() > deadline:
                self._require_platform()
            time.sleep(START_POLL_S)

    def specs(self) -> dict[str, JobSpec]:
        """The submitted jobs by name."""
        return read_specs(self._newest(JOBS_TOPIC))

    def describe(self) -> list[Json]:
        """Every job with its SQL, phase and newest measurements, by name."""
        statuses, metrics = self._newest(STATUS_TOPIC), self._newest(METRICS_TOPIC)
        specs = sorted(self.specs().values(), key=lambda spec: spec.name)
        now_ms = self._clock.now_ms()
        return [described(spec, statuses, metrics, now_ms) for spec in specs]

    def known(self, name: str) -> JobSpec:
        """The job's spec. Raises `UsageError` that names the jobs there are."""
        specs = self.specs()
        if name not in specs:
            others = ", ".join(sorted(specs)) or "none was submitted"
            raise UsageError(f"there is no job {name!r}", mend=f"jobs: {others}")
        return specs[name]

    def describe_one(self, name: str) -> Json:
        """The same as `describe`, of a job that is known."""
        return next(job for job in self.describe() if job["name"] == name)

    def stop(self, name: str) -> bool:
        """Stop a job, whose state stays; whether it was not stopped already. Raises `UsageError` for an unknown one."""
        spec = self.known(name)
        if self.describe_one(name)["phase"] == Phase.STOPPED:
            return False
        self.hand_over(spec.stopped())
        return True

    def put(self, spec: JobSpec) -> None:
        """Submit or change a job; durable on return."""
        self._write(spec.name, spec.to_bytes())

    def hand_over(self, spec: JobSpec) -> None:
        """Submit or change a job, and wait until a platform has taken that up.

        Raises `RiachoError` where none does in time; it is registered all the same.
        """
        self._require_platform()
        partition = TopicPartition(STATUS_TOPIC, 0)
        end = Admin(self._cluster).list_offsets({partition: LATEST})[partition].offset
        self.put(spec)
        deadline = self._clock.monotonic_ms() + TAKE_UP_MS
        with Fetcher(self._cluster) as fetcher:
            fetcher.assign({partition: end})
            while (left_ms := deadline - self._clock.monotonic_ms()) > 0:
                for columns in fetcher.fetch(max_wait_ms=round(left_ms)):
                    for key, value in zip(columns.key, columns.value, strict=True):
                        status = read_status({key: value}, spec.name) if key and value else None
                        if status is not None and status.answers(spec):
                            return
        raise RiachoError(
            f"what is wanted of {spec.name} is registered, but no platform took it up within {TAKE_UP_MS / 1000:.0f} s",
            where=self._cluster.config.bootstrap,
            mend=f"`riacho up` does when it runs there again; `riacho job delete {spec.name}` takes the job back",
        )

    def delete(self, name: str) -> None:
        """Forget a job; durable on return."""
        self._write(name, None)

    def _write(self, name: str, value: bytes | None) -> None:
        self._require_platform()
        if self._producer is None:
            self._producer = Producer(self._cluster)
        self._producer.produce(JOBS_TOPIC, ProduceColumns.from_values([value], keys=[name.encode()]))
        self._producer.flush()

    def _newest(self, topic: str) -> dict[bytes, bytes]:
        """The newest value of every key of a registry topic."""
        self._require_platform()
        partition = TopicPartition(topic, 0)
        admin = Admin(self._cluster)
        end = admin.list_offsets({partition: LATEST})[partition].offset
        first = admin.list_offsets({partition: EARLIEST})[partition].offset
        rows: dict[bytes, bytes] = {}
        if first >= end:
            return rows
        with Fetcher(self._cluster) as fetcher:
            fetcher.assign({partition: first}, until={partition: end})
            deadline = self._clock.monotonic_ms() + READ_TIMEOUT_MS
            while not fetcher.finished:
                if self._clock.monotonic_ms() > deadline:
                    raise RiachoError(f"{topic} could not be read within {READ_TIMEOUT_MS / 1000:.0f} s")
                for columns in fetcher.fetch(max_wait_ms=READ_TIMEOUT_MS):
                    for key, value in zip(columns.key, columns.value, strict=True):
                        if key is not None and value is not None:
                            rows[key] = value
                        elif key is not None:
                            rows.pop(key, None)
        return rows

    def _topics(self) -> set[str]:
        return {topic.name for topic in Admin(self._cluster).list_topics(internal=True)}

    def _require_platform(self) -> None:
        if not REGISTRY.issubset(self._topics()):
            raise RiachoError(
                "no platform runs jobs on this cluster",
                where=self._cluster.config.bootstrap,
                mend="start one with `riacho up`, or run the script in the foreground with `riacho run FILE.sql`",
            )


def described(spec: JobSpec, statuses: Mapping[bytes, bytes], metrics: Mapping[bytes, bytes], now_ms: int) -> Json:
    """A job as people see it, from the registry's newest records by key."""
    status = read_status(statuses, spec.name)
    if status is not None and status.generation < spec.generation:
        status = None  # of what was there before
    measured = read_measurements(metrics, spec.name, since_ms=now_ms - STALE_MS)
    running_for_ms = now_ms - status.since_ms if status is not None and status.phase is Phase.RUNNING else 0
    return {
        "name": spec.name,
        "sql": spec.sql,
        "wanted": spec.wanted,
        "phase": status.phase if status else Phase.SUBMITTED,
        "since_ms": status.since_ms if status else spec.submitted_ms,
        "restarts": status.restarts if status else 0,
        "error": status.error if status else None,
        "metrics": measured,
        "silent": measured is None and running_for_ms > STALE_MS,
    }


def is_up(job: Json) -> bool:
    """Whether a job, as `described`, has a worker or soon will, so that starting it would only disturb it."""
    working = job["phase"] in (Phase.STARTING, Phase.RUNNING, Phase.RESTARTING)
    return working and job["wanted"] == Wanted.RUNNING and not job["silent"]
