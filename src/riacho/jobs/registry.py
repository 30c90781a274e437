"""Which jobs a platform runs, and how they are: two compacted topics that every part of the platform shares.

`__riacho_jobs` holds what people want (the SQL, and whether it shall run), `__riacho_job_status` what the job
supervisor sees, `__riacho_metrics` what each worker measures. Whoever can write a topic can submit a job.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from riacho.errors import UsageError

JOBS_TOPIC = "__riacho_jobs"
STATUS_TOPIC = "__riacho_job_status"
METRICS_TOPIC = "__riacho_metrics"

METRICS_RETENTION_MS = 60 * 60 * 1000
"""Measurements are for watching: an hour of them is kept."""

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")
"""A job's name is a folder's name, a record's key and part of an address."""


class Wanted(StrEnum):
    """What people want of a job."""

    RUNNING = "running"
    STOPPED = "stopped"


class Phase(StrEnum):
    """What a job is doing."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"
    FINISHED = "finished"
    """Its sources were bounded, and have ended."""
    FAILED = "failed"
    """It stopped by itself for a reason that a restart would not change."""


def checked_name(name: str) -> str:
    """The name, if it may be a job's. Raises `UsageError`."""
    if NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} cannot be a job's name",
            mend="use lower-case letters, digits, '_', '-' and '.', at most 100, beginning with a letter or digit",
        )
    return name


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A submitted job. `generation` rises with each submission or restart of the name: a worker runs one of them."""

    name: str
    sql: str
    file: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    wanted: Wanted = Wanted.RUNNING
    generation: int = 1
    submitted_ms: int = 0
    fresh: bool = False
    """Start without the state of an earlier generation."""

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Raises `ValueError` or `TypeError` for what is no job."""
        described: dict[str, Any] = json.loads(content)
        return cls(**{**described, "wanted": Wanted(described["wanted"])})


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How a job is, as its supervisor sees it."""

    name: str
    phase: Phase
    generation: int
    since_ms: int
    pid: int | None = None
    restarts: int = 0
    error: str | None = None

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Raises `ValueError` or `TypeError` for what is no status."""
        described: dict[str, Any] = json.loads(content)
        return cls(**{**described, "phase": Phase(described["phase"])})
