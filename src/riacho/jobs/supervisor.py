"""Runs the jobs that the registry wants: a worker process each, restarted when it dies, stopped when told so.

What is wanted comes from `__riacho_jobs`, what is so goes to `__riacho_job_status`. The supervisor keeps nothing else:
killed and started again, it reads the registry and goes on.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from riacho.client.admin import Admin
from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.columns import ProduceColumns
from riacho.client.fetcher import Fetcher
from riacho.client.offsets import EARLIEST
from riacho.client.producer import Producer
from riacho.errors import RiachoError
from riacho.host import Clock, Disk
from riacho.host.child import Child, ChildError, ChildSpec, riacho_command
from riacho.host.launch import ForkServer
from riacho.jobs.fork_imports import WORKER_IMPORTS
from riacho.jobs.registry import JOBS_TOPIC, STATUS_TOPIC, JobSpec, JobStatus, Phase, Wanted
from riacho.jobs.topics import create_registry

POLL_MS = 500
RETRY_S = 1.0

REFUSED_RETRY_S = 5.0
"""Pause before a job is tried again whose script or process the machine refused: a full disk takes a while to mend."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Running:
    """A worker process under supervision and the submission that it runs."""

    spec: JobSpec
    task: asyncio.Task[None]


class JobSupervisor:
    """Keeps the platform's jobs as the registry wants them, from `run` until it is cancelled."""

    def __init__(self, cluster: Cluster, kafka: str, directory: Path, *, disk: Disk, clock: Clock) -> None:
        self._cluster = cluster
        self._kafka = kafka
        self._directory = directory / "jobs"
        self._disk = disk
        self._clock = clock
        self._running: dict[str, Running] = {}
        self._since: dict[str, tuple[Phase, int]] = {}
        self._changes: asyncio.Queue[tuple[str, bytes | None]] = asyncio.Queue()
        self._forks = ForkServer(WORKER_IMPORTS)
        self._stopped = threading.Event()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Follow the registry; `on_ready` is called once it can be written.

        Raises `RiachoError` where the cluster refuses at the start.
        """
        loop = asyncio.get_running_loop()
        await self._forks.start()
        await asyncio.to_thread(create_registry, Admin(self._cluster))
        reader = threading.Thread(target=self._read, args=(loop,), name="riacho-job-registry", daemon=True)
        self._producer = Producer(self._cluster)
        reader.start()
        on_ready()
        try:
            while True:
                name, value = await self._changes.get()
                await self._apply(name, value)
        finally:
            self._stopped.set()
            await asyncio.gather(*(self._end(running) for running in self._running.values()))
            await self._forks.close()
            await asyncio.to_thread(reader.join)
            await asyncio.to_thread(self._producer.close, 0)

    async def _apply(self, name: str, value: bytes | None) -> None:
        """Do what a record of the registry says: start, replace, stop or forget a job."""
        running = self._running.pop(name, None)
        spec = None
        if value is not None:
            try:
                spec = JobSpec.from_bytes(value)
                if spec.name != name:
                    raise ValueError(f"it is of the job {spec.name!r}")
            except ValueError as error:
                spec = None
                log.warning("%s holds a record under %r that is no job: %s", JOBS_TOPIC, name, error)
        if running is not None and spec is not None and self._unchanged(running, spec):
            self._running[name] = running
            return
        if running is not None:
            await self._end(running)
        if spec is None:
            self._write(STATUS_TOPIC, name, None)
        elif spec.wanted is Wanted.STOPPED:
            self._report(spec, Phase.STOPPED)
        else:
            self._start(spec)

    def _unchanged(self, running: Running, spec: JobSpec) -> bool:
        return spec.wanted is Wanted.RUNNING and spec.generation == running.spec.generation

    def _start(self, spec: JobSpec) -> None:
        self._report(spec, Phase.STARTING)
        self._running[spec.name] = Running(spec, asyncio.create_task(self._work(spec), name=f"job {spec.name}"))

    async def _work(self, spec: JobSpec) -> None:
        """Run a worker to its end; while the machine refuses it a file or a process, try again."""
        while True:
            try:
                await self._watch(spec, self._child(spec))
            except OSError as error:
                log.warning("%s cannot start, trying again in %.0f s: %s", spec.name, REFUSED_RETRY_S, error)
                self._report(spec, Phase.RESTARTING, error=f"it cannot start: {error}")
                await asyncio.sleep(REFUSED_RETRY_S)
            else:
                return

    def _child(self, spec: JobSpec) -> Child:
        """The worker's process, not yet started, with its script in the job's folder. Raises `OSError`."""
        command = riacho_command(
            "run",
            str(self._write_script(spec)),
            *("--kafka", self._kafka),
            *("--dir", str(self._directory.parent)),
            *("--name", spec.name),
        )
        for name, value in spec.variables.items():
            command += ["--set", f"{name}={value}"]
        for file in self._write_functions(spec):
            command += ["--py", str(file)]
        if spec.fresh:
            command += ["--submission", f"{spec.generation} {spec.submitted_ms}"]
        return Child(
            ChildSpec(spec.name, command, announces=True, oneshot=True, patient=True),
            on_change=lambda child: self._seen(spec, child),
            launch=self._forks.launch,
        )

    def _write_script(self, spec: JobSpec) -> Path:
        """Raises `OSError`: the disk is full, say."""
        return self._write_file(spec, Path(spec.file).name if spec.file else "job.sql", spec.sql)

    def _write_functions(self, spec: JobSpec) -> list[Path]:
        """The files with the job's Python functions. Raises `OSError`."""
        return [self._write_file(spec, name, text) for name, text in sorted(spec.python.items())]

    def _write_file(self, spec: JobSpec, name: str, text: str) -> Path:
        folder = self._directory / spec.name
        self._disk.make_directory(folder)
        path = folder / name
        fd = self._disk.open(path, create=True)
        try:
            self._disk.truncate(fd, 0)
            self._disk.write(fd, 0, [text.encode()])
        finally:
            self._disk.close(fd)
        return path

    async def _watch(self, spec: JobSpec, child: Child) -> None:
        """Follow a worker to its end, which is that of its sources, or of an attempt that can never succeed."""
        try:
            await child.run()
        except ChildError as error:
            again = f"once that is mended, `riacho job restart {spec.name}` starts it again"
            self._report(spec, Phase.FAILED, child, error=f"{child.reason}\n  {error.what}; {again}")
        else:
            self._report(spec, Phase.FINISHED, child)

    def _seen(self, spec: JobSpec, child: Child) -> None:
        """Report what a worker's process just did."""
        if child.pid is not None:
            self._report(spec, Phase.RUNNING if child.served else Phase.STARTING, child, error=child.failure)
        elif child.exit_code != 0:
            self._report(spec, Phase.RESTARTING, child)

    async def _end(self, running: Running) -> None:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)

    def _report(self, spec: JobSpec, phase: Phase, child: Child | None = None, *, error: str | None = None) -> None:
        known = self._since.get(spec.name)
        if known is None or known[0] is not phase:
            self._since[spec.name] = (phase, self._clock.now_ms())
        if child is not None and phase is Phase.RESTARTING:
            error = child.reason
        status = JobStatus(
            spec.name,
            phase,
            spec.generation,
            self._since[spec.name][1],
            child.pid if child is not None else None,
            child.restarts if child is not None else 0,
            error,
        )
        self._write(STATUS_TOPIC, spec.name, status.to_bytes())

    def _write(self, topic: str, key: str, value: bytes | None) -> None:
        self._producer.produce(topic, ProduceColumns.from_values([value], keys=[key.encode()]))

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """The reading thread: hand every record of the registry to the event loop, in order."""
        with Fetcher(self._cluster) as fetcher:
            fetcher.assign({TopicPartition(JOBS_TOPIC, 0): EARLIEST})
            while not self._stopped.is_set():
                try:
                    blocks = fetcher.fetch(max_wait_ms=POLL_MS)
                except RiachoError as error:
                    log.warning("the registry cannot be read, trying again: %s", error)
                    self._stopped.wait(RETRY_S)
                    continue
                for columns in blocks:
                    latest = {
                        key.decode(errors="replace"): value  # what is no text is no job's name either
                        for key, value in zip(columns.key, columns.value, strict=True)
                        if key is not None
                    }
                    for name, value in latest.items():
                        loop.call_soon_threadsafe(self._changes.put_nowait, (name, value))
