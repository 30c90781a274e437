"""Jobs as people look at them and steer them: the registry's topics, joined by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from riacho.jobs.catalog import JobCatalog, described, is_up
from riacho.jobs.registry import JOBS_TOPIC, METRICS_TOPIC, STATUS_TOPIC, JobSpec, Phase, checked_name, read_specs
from riacho.serve.views import View, Views

Json = dict[str, Any]


class UnknownJobError(KeyError):
    """There is no job of this name."""


class Jobs:
    """The jobs of the platform. On a cluster where no platform runs there are none."""

    def __init__(self, views: Views, catalog: JobCatalog, write: Callable[[str, bytes, bytes | None], None]) -> None:
        self._views = views
        self._catalog = catalog
        self._write = write
        self._topics: dict[str, View] = {}

    async def open(self) -> None:
        """Watch the registry, which need not exist yet."""
        for topic in (JOBS_TOPIC, STATUS_TOPIC, METRICS_TOPIC):
            if topic not in self._topics:
                self._topics[topic] = await self._views.watch(topic)

    def described(self, now_ms: int) -> list[Json]:
        """Every job with its SQL, phase and newest measurements."""
        statuses, metrics = self._rows(STATUS_TOPIC), self._rows(METRICS_TOPIC)
        specs = sorted(self._specs().values(), key=lambda spec: spec.name)
        return [described(spec, statuses, metrics, now_ms) for spec in specs]

    def submit(self, name: str, sql: str, variables: dict[str, str], now_ms: int) -> None:
        """Make or replace a job. Raises `UsageError` for a bad name. Blocks."""
        known = self._specs().get(checked_name(name))
        self._put(JobSpec(name, sql, None, variables, submitted_ms=now_ms).after(known))

    def steer(self, name: str, action: str) -> bool:
        """`start`, `stop` or `restart` a job; whether there was anything to do. Raises `UnknownJobError`. Blocks.

        Decided by the registry itself and not by the views of it, which may not show yet what was asked for before.
        """
        job = next((job for job in self._catalog.describe() if job["name"] == name), None)
        if job is None:
            raise UnknownJobError(name)
        if (action == "start" and is_up(job)) or (action == "stop" and job["phase"] == Phase.STOPPED):
            return False
        spec = self._catalog.specs()[name]
        self._put(spec.stopped() if action == "stop" else spec.started())
        return True

    def delete(self, name: str) -> None:
        """Stop a job and forget it. Raises `UnknownJobError`. Blocks."""
        self._find(name)
        self._write(JOBS_TOPIC, name.encode(), None)

    def _put(self, spec: JobSpec) -> None:
        self._write(JOBS_TOPIC, spec.name.encode(), spec.to_bytes())

    def _find(self, name: str) -> JobSpec:
        """Raises `UnknownJobError`."""
        spec = self._specs().get(name)
        if spec is None:
            raise UnknownJobError(name)
        return spec

    def _specs(self) -> dict[str, JobSpec]:
        return read_specs(self._rows(JOBS_TOPIC))

    def _rows(self, topic: str) -> dict[bytes, bytes]:
        view = self._topics.get(topic)
        return {} if view is None else view.rows
