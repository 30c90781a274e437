"""Which jobs a platform runs, and how they are: two compacted topics that every part of the platform shares.

`__riacho_jobs` holds what people want (the SQL, and whether it shall run), `__riacho_job_status` what the job
supervisor sees, `__riacho_metrics` what each worker measures. Whoever can write a topic can submit a job, and write
into the registry what is none: readers pass over it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from riacho.errors import UsageError

JOBS_TOPIC = "__riacho_jobs"
STATUS_TOPIC = "__riacho_job_status"
METRICS_TOPIC = "__riacho_metrics"

REGISTRY = frozenset({JOBS_TOPIC, STATUS_TOPIC, METRICS_TOPIC})

METRICS_RETENTION_MS = 60 * 60 * 1000
"""Measurements are for watching: an hour of them is kept."""

NUMBERS = (
    "at_ms",
    "batch_rows",
    "cpu_share",
    "dead_letters",
    "late_rows",
    "rows_in",
    "rows_in_per_s",
    "rows_out",
    "rows_out_per_s",
    "skipped",
    "state_bytes",
)
NUMBERS_OR_NULL = ("lag", "latency_p50_ms", "latency_p99_ms", "watermark")
"""What a worker's measurements say, beside what they say of each of its `operators`."""

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")
"""A job's name is a folder's name, a record's key and part of an address."""


PYTHON_FILE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.py")
"""A module's file, which the platform writes into the job's folder: no path."""


class Wanted(StrEnum):
    """What people want of a job."""

    RUNNING = "running"
    STOPPED = "stopped"


class Phase(StrEnum):
    """What a job is doing."""

    SUBMITTED = "submitted"
    """No supervisor has taken it up yet: it is what a job is that has no status."""
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
    python: dict[str, str] = field(default_factory=dict)
    """The files with its Python functions: their texts by name."""

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Raises `ValueError` for what is no job."""
        described = _json_object(content)
        try:
            spec = cls(**{**described, "wanted": Wanted(described.get("wanted", Wanted.RUNNING))})
        except TypeError as error:  # a field too many, or one too few
            raise ValueError(str(error)) from error
        if not (isinstance(spec.name, str) and NAME.fullmatch(spec.name)):
            raise ValueError(f"{spec.name!r} cannot be a job's name")
        variables = spec.variables.values() if isinstance(spec.variables, dict) else (None,)
        python = spec.python.values() if isinstance(spec.python, dict) else (None,)
        if not all(isinstance(text, str) for text in (spec.sql, spec.file or "", *variables, *python)):
            raise ValueError("its sql, file, variables and Python files are texts")
        if any(PYTHON_FILE.fullmatch(name) is None for name in spec.python):
            raise ValueError("its Python files have names like functions.py")
        if not all(isinstance(number, int) for number in (spec.generation, spec.submitted_ms)):
            raise ValueError("its generation and submitted_ms are numbers")
        return spec

    def after(self, before: JobSpec | None) -> Self:
        """This submission, where `before` is the present one of the name: a worker of that is replaced.

        The first generation of a name is the time of its submission: one that was deleted and comes again is newer
        than what it was, even to a supervisor that reads of both at once and never saw the name gone.
        """
        first = max(self.submitted_ms, 1)
        return replace(self, generation=first if before is None else before.generation + 1)

    def stopped(self) -> Self:
        """The job, not to run for now."""
        return replace(self, wanted=Wanted.STOPPED)

    def started(self) -> Self:
        """The job, to run anew from the state that it has."""
        return replace(self, wanted=Wanted.RUNNING, generation=self.generation + 1, fresh=False)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How a job is, as its supervisor sees it: of the generation that it has taken up last."""

    name: str
    phase: Phase
    generation: int
    since_ms: int
    pid: int | None = None
    restarts: int = 0
    error: str | None = None

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    def answers(self, spec: JobSpec) -> bool:
        """Whether the supervisor that wrote this knew what `spec` asks for, and had begun with it."""
        stopped = self.phase is Phase.STOPPED
        return self.generation > spec.generation or (
            self.generation == spec.generation and stopped == (spec.wanted is Wanted.STOPPED)
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Raises `ValueError` for what is no status."""
        described = _json_object(content)
        try:
            return cls(**{**described, "phase": Phase(described.get("phase", ""))})
        except TypeError as error:  # a field too many, or one too few
            raise ValueError(str(error)) from error


def read_specs(rows: Mapping[bytes, bytes]) -> dict[str, JobSpec]:
    """The jobs by name, from the newest records of `__riacho_jobs`. The supervisor warns of those that are none."""
    specs = {}
    for key, value in rows.items():
        try:
            spec = JobSpec.from_bytes(value)
        except ValueError:
            continue
        if spec.name.encode() == key:
            specs[spec.name] = spec
    return specs


def read_status(rows: Mapping[bytes, bytes], name: str) -> JobStatus | None:
    """How a job is, from the newest records of `__riacho_job_status`; None before its supervisor has seen it."""
    value = rows.get(name.encode())
    if value is None:
        return None
    try:
        return JobStatus.from_bytes(value)
    except ValueError:
        return None


def read_measurements(rows: Mapping[bytes, bytes], name: str, since_ms: int) -> dict[str, Any] | None:
    """A job's newest record of `__riacho_metrics`, unless it is older than `since_ms` or of another form."""
    value = rows.get(name.encode())
    if value is None:
        return None
    try:
        measured = _json_object(value)
    except ValueError:
        return None
    complete = (
        all(isinstance(measured.get(name), int | float) for name in NUMBERS)
        and all(isinstance(measured.get(name, ""), int | float | None) for name in NUMBERS_OR_NULL)
        and isinstance(measured.get("operators"), list)
    )
    return measured if complete and measured["at_ms"] >= since_ms else None


def _json_object(content: bytes) -> dict[str, Any]:
    described = json.loads(content)
    if not isinstance(described, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - its content is at fault
    return described
