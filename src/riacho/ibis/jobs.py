"""Expressions that run for good: a job of the platform, written as Ibis writes its query."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from riacho.client.reaching import connected
from riacho.errors import UsageError
from riacho.host import SystemClock
from riacho.ibis.backend import Backend, insert_statement
from riacho.jobs.catalog import JobCatalog, is_up
from riacho.jobs.registry import JobSpec, checked_name
from riacho.jobs.script import compile_job_script


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job that `start` handed to the platform; `riacho job` and the page know it by the same name."""

    name: str
    kafka: str

    @property
    def sql(self) -> str:
        """The script that it runs."""
        return str(self.status()["sql"])

    def status(self) -> dict[str, Any]:
        """Its phase, error and newest measurements, as `riacho job show --json` prints them."""
        with _catalog(self.kafka) as catalog:
            return next((job for job in catalog.describe() if job["name"] == self.name), {"phase": "deleted"})

    def stop(self) -> None:
        """Stop it; its state and its place in the topics are kept."""
        self._change(JobSpec.stopped)

    def resume(self) -> None:
        """Go on where it stopped; while it runs, nothing changes."""
        if not is_up(self.status()):
            self._change(JobSpec.started)

    def delete(self) -> None:
        """Stop it and forget it."""
        with _catalog(self.kafka) as catalog:
            catalog.delete(self.name)

    def _change(self, changed: Callable[[JobSpec], JobSpec]) -> None:
        with _catalog(self.kafka) as catalog:
            spec = catalog.specs().get(self.name)
            if spec is None:
                raise UsageError(f"there is no job {self.name!r}", mend="start it again")
            catalog.hand_over(changed(spec))


def start(expr: ir.Expr, *, into: ir.Table | str, name: str | None = None, fresh: bool = False) -> RunningJob:
    """Run an expression for good, its changes written into a table, as a job of the platform on the same cluster.

    `name` is the job's, by default the table's. A job of that name is replaced, and goes on from its state where the
    plan is the same, unless `fresh`. Raises `SqlError` for a query that a stream or the table cannot take.
    """
    backend = expr._find_backend()
    if not isinstance(backend, Backend):
        raise UsageError(f"the expression belongs to a backend of {backend.name}", mend="use riacho.ibis.connect")
    table = into if isinstance(into, str) else into.get_name()
    job = checked_name(name or table.lower())
    insert = insert_statement(backend, table, expr)
    sql = ";\n\n".join([*backend.session.definitions, insert]) + ";\n"
    compile_job_script(sql, None, {"KAFKA": backend.kafka}, backend.session.modules)
    python = {module.name: module.read_text() for module in backend.python.values()}
    with _catalog(backend.kafka) as catalog:
        spec = JobSpec(job, sql, f"{job}.sql", submitted_ms=SystemClock().now_ms(), fresh=fresh, python=python)
        catalog.hand_over(spec.after(catalog.specs().get(job)))
    return RunningJob(job, backend.kafka)


def jobs(backend: Backend) -> list[RunningJob]:
    """The platform's jobs, started here or elsewhere."""
    with _catalog(backend.kafka) as catalog:
        return [RunningJob(name, backend.kafka) for name in sorted(catalog.specs())]


@contextmanager
def _catalog(kafka: str) -> Iterator[JobCatalog]:
    with connected(kafka, "ibis") as cluster, JobCatalog(cluster, SystemClock()) as catalog:
        yield catalog
