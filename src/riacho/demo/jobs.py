"""The demo's jobs: the scripts of the package's `sql` folder, submitted under their files' names."""

from __future__ import annotations

from importlib.resources import files

from riacho.client.cluster import Cluster
from riacho.host import Clock
from riacho.jobs.catalog import JobCatalog
from riacho.jobs.registry import JobSpec

PREFIX = "flights-"


def scripts() -> dict[str, str]:
    """The demo's SQL by file name."""
    folder = files("riacho.demo") / "sql"
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return {entry.name: entry.read_text() for entry in found}


def submit_jobs(cluster: Cluster, clock: Clock) -> None:
    """Submit the jobs that are not there yet, or whose SQL has changed. Raises `RiachoError`."""
    with JobCatalog(cluster, clock) as catalog:
        known = catalog.specs()
        for file, sql in scripts().items():
            name = PREFIX + file.removesuffix(".sql").replace("_", "-")
            before = known.get(name)
            if before is not None and before.sql == sql:
                continue
            spec = JobSpec(name, sql, file, submitted_ms=clock.now_ms(), fresh=before is not None)
            catalog.put(spec.after(before))
