"""SHOW JOBS, DESCRIBE JOB and STOP JOB, answered by the platform of a cluster. Source: Flink, "JOB Statements"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from riacho.client.reaching import connected
from riacho.host import SystemClock
from riacho.jobs.catalog import JobCatalog, Json
from riacho.jobs.registry import JobSpec, Phase
from riacho.sql.session import JobQuestion
from riacho.sql.show import grid

_HEADING = ("job id", "job name", "status", "start time")

_STATUS = {
    Phase.SUBMITTED: "CREATED",
    Phase.STARTING: "INITIALIZING",
    Phase.STOPPED: "CANCELED",
}
"""Flink's words for a job's phase, where its own are others."""


def answer(question: JobQuestion, kafka: str) -> str:
    """The statement's text. Raises `RiachoError` where no platform runs, `UsageError` where the job is unknown."""
    with connected(kafka, "sql") as cluster, JobCatalog(cluster, SystemClock()) as catalog:
        if question.job is None:
            return _listed(catalog.describe(), catalog.specs())
        spec = catalog.known(question.job)
        if question.verb == "STOP":
            catalog.stop(spec.name)
            return ""
        return _listed([catalog.describe_one(spec.name)], {spec.name: spec})


def _listed(jobs: list[Json], specs: Mapping[str, JobSpec]) -> str:
    return grid(_HEADING, [_row(job, specs[job["name"]]) for job in jobs if job["name"] in specs])


def _row(job: Json, spec: JobSpec) -> tuple[str, ...]:
    started = datetime.fromtimestamp(spec.submitted_ms / 1000, UTC)
    status = _STATUS.get(job["phase"], str(job["phase"]).upper())
    return spec.name, spec.name, status, started.isoformat(" ", timespec="milliseconds").removesuffix("+00:00")
