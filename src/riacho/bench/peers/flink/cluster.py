"""A Flink cluster on this machine: one JobManager, one TaskManager and the SQL Gateway, each a Java process."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from riacho.bench.peers.flink.distribution import Distribution, Progress, fetch, say_nothing
from riacho.bench.peers.flink.gateway import FlinkError, Session, call
from riacho.bench.process import cpu_s, peak_rss_mb
from riacho.errors import RiachoError
from riacho.host.parent import be_told_of_parents_end

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 15.0
POLL_S = 0.05
"""How long until Flink is asked again how far it is; it tells a job's duration itself."""

JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
GATEWAY = "org.apache.flink.table.gateway.SqlGateway"

ENDED = ("FINISHED", "FAILED", "CANCELED", "SUSPENDED")

EXPORTED = (
    "java.management/sun.management",
    "java.base/sun.net.util",
    "java.rmi/sun.rmi.registry",
    "java.security.jgss/sun.security.krb5",
)
OPENED = tuple(
    f"java.base/{package}"
    for package in (
        "java.lang",
        "java.lang.reflect",
        "java.io",
        "java.net",
        "java.nio",
        "java.text",
        "java.time",
        "java.util",
        "java.util.concurrent",
        "java.util.concurrent.atomic",
        "java.util.concurrent.locks",
        "sun.nio.ch",
    )
)
"""What Flink's own start scripts let it reach inside of the JDK."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The TaskManager's memory in MB; its managed memory serves batch operators, since state is kept on the heap."""

    heap_mb: int = 1024
    managed_mb: int = 256
    network_mb: int = 128

    @property
    def off_heap_mb(self) -> int:
        """What Java calls direct memory."""
        return self.network_mb + 2 * _OFF_HEAP_MB


_OFF_HEAP_MB = 128
_SERVICE_HEAP_MB = 512
"""Of the JobManager and of the gateway, each; the gateway plans every statement."""

_FRAMEWORK_HEAP_MB = 128


@dataclass(frozen=True, slots=True)
class FlinkJob:
    """A job that has ended well. `duration_ms` is from its start to its end, as Flink tells it."""

    id: str
    name: str
    duration_ms: int


class Flink:
    """A cluster, from its start to the end of its context; it ends with us also where we are killed.

    `directory` takes its configuration and its logs. Sessions have Flink's fastest settings without further state
    than the heap: object reuse, state in hash maps, no checkpoints.
    """

    def __init__(
        self,
        directory: Path,
        *,
        slots: int = 2,
        memory: Memory | None = None,
        jars: Sequence[Path] = (),
        settings: Mapping[str, str] | None = None,
        java_options: Sequence[str] = (),
        distribution: Distribution | None = None,
        progress: Progress = say_nothing,
    ) -> None:
        """`jars` join the class path, `settings` the cluster's configuration, `java_options` each process's own.

        Raises `FlinkMissingError` without Java.
        """
        self._distribution = distribution or fetch(progress)
        self._memory = memory or Memory()
        self._directory = directory
        self._jars = tuple(jars)
        self._java_options = tuple(java_options)
        rpc, rest, gateway = _free_ports(3)
        self.rest_address = f"127.0.0.1:{rest}"
        """Of the JobManager's REST API and page."""
        self._gateway_address = f"127.0.0.1:{gateway}"
        directory.mkdir(parents=True, exist_ok=True)
        configuration = {
            **cluster_settings(self._memory, slots, rpc, rest),
            "sql-gateway.endpoint.rest.address": "127.0.0.1",
            "sql-gateway.endpoint.rest.port": str(gateway),
            "io.tmp.dirs": str(directory),
            **(settings or {}),
        }
        (directory / "config.yaml").write_text("".join(f"{key}: {value}\n" for key, value in configuration.items()))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        progress("starting Flink")
        with ExitStack() as undone:
            undone.callback(self._end)  # whatever ends the wait, a signal too, leaves no process
            self._start("jobmanager", JOB_MANAGER, f"-Xmx{_SERVICE_HEAP_MB}m", "--configDir", str(directory))
            self._start("taskmanager", TASK_MANAGER, *self._task_manager_memory(), "--configDir", str(directory))
            self._start("gateway", GATEWAY, f"-Xmx{_SERVICE_HEAP_MB}m")
            self._wait_until(lambda: self._ask("/overview")["slots-total"] == slots)
            self._wait_until(lambda: bool(call(self._gateway_address, "/v3/info")))
            undone.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def session(self, settings: Mapping[str, str] | None = None) -> Session:
        """A session of the SQL Gateway, with settings of its own."""
        return Session(self._gateway_address, settings or {})

    def state(self, job: str) -> str:
        """Of a job: RUNNING, FINISHED, FAILED …"""
        return str(self._ask(f"/jobs/{job}")["state"])

    def wait(self, job: str, *, timeout_s: float = 3600.0) -> FlinkJob:
        """Wait for the end of a job. Raises `FlinkError` where it fails, `RiachoError` where it takes too long."""
        deadline = time.monotonic() + timeout_s
        while (described := self._ask(f"/jobs/{job}"))["state"] not in ENDED:
            self._must_run()
            if time.monotonic() > deadline:
                raise RiachoError(f"Flink's job {described['name']} has not ended within {timeout_s:.0f} s")
            time.sleep(POLL_S)
        if described["state"] != "FINISHED":
            causes = self._ask(f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"]
            raise FlinkError(described["name"], "\n".join(each["stacktrace"] for each in causes) or described["state"])
        return FlinkJob(job, described["name"], described["duration"])

    def cancel(self, job: str) -> None:
        """Ask a job to end."""
        call(self.rest_address, f"/jobs/{job}", method="PATCH")

    def cpu_s(self) -> float:
        """User and system time of JobManager and TaskManager so far: what a job costs, without its planning."""
        return sum(cpu_s(self._processes[name].pid) for name in ("jobmanager", "taskmanager"))

    def peak_rss_mb(self) -> float:
        """The TaskManager's peak resident memory, MB."""
        return peak_rss_mb(self._processes["taskmanager"].pid)

    def _task_manager_memory(self) -> list[str]:
        heap = self._memory.heap_mb + _FRAMEWORK_HEAP_MB
        return [f"-Xms{heap}m", f"-Xmx{heap}m", f"-XX:MaxDirectMemorySize={self._memory.off_heap_mb}m"]

    def _start(self, name: str, main: str, *arguments: str) -> None:
        options = [each for each in arguments if each.startswith("-X")]
        command = [
            self._distribution.java,
            *(f"--add-exports={each}=ALL-UNNAMED" for each in EXPORTED),
            *(f"--add-opens={each}=ALL-UNNAMED" for each in OPENED),
            "-Dlog4j2.level=WARN",
            *options,
            *self._java_options,
            "-classpath",
            os.pathsep.join([self._distribution.class_path(), *map(str, self._jars)]),
            main,
            *(each for each in arguments if each not in options),
        ]
        with self._log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "FLINK_CONF_DIR": str(self._directory)},
                preexec_fn=be_told_of_parents_end,
                start_new_session=True,  # a Ctrl-C reaches us alone, who end it
            )

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _ask(self, path: str) -> Any:
        return call(self.rest_address, path)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(condition):
            self._must_run()
            if time.monotonic() > deadline:
                raise RiachoError(f"Flink was not ready within {START_TIMEOUT_S:.0f} s", where=str(self._directory))
            time.sleep(POLL_S)

    def _must_run(self) -> None:
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise RiachoError(f"Flink's {name} has ended", where=str(self._log(name)))

    def _end(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def cluster_settings(memory: Memory, slots: int, rpc_port: int, rest_port: int) -> dict[str, str]:
    """The configuration of JobManager and TaskManager.

    All parts of the TaskManager's memory are named: its start script, which is not used here, would divide a total.
    """
    return {
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.bind-host": "127.0.0.1",
        "jobmanager.rpc.port": str(rpc_port),
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.port": str(rest_port),
        "taskmanager.host": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.numberOfTaskSlots": str(slots),
        "taskmanager.cpu.cores": str(float(slots)),
        "taskmanager.memory.framework.heap.size": f"{_FRAMEWORK_HEAP_MB}m",
        "taskmanager.memory.framework.off-heap.size": f"{_OFF_HEAP_MB}m",
        "taskmanager.memory.task.heap.size": f"{memory.heap_mb}m",
        "taskmanager.memory.task.off-heap.size": f"{_OFF_HEAP_MB}m",
        "taskmanager.memory.network.min": f"{memory.network_mb}m",
        "taskmanager.memory.network.max": f"{memory.network_mb}m",
        "taskmanager.memory.managed.size": f"{memory.managed_mb}m",
        "taskmanager.memory.jvm-metaspace.size": "512m",
        "taskmanager.memory.jvm-overhead.min": "192m",
        "taskmanager.memory.jvm-overhead.max": "192m",
        "execution.target": "remote",
        "parallelism.default": str(slots),
        "pipeline.object-reuse": "true",
        "state.backend.type": "hashmap",
        "restart-strategy.type": "none",
    }


def _answers(condition: Callable[[], bool]) -> bool:
    """Whether it is true; not so where nobody listens yet, or only half of it does."""
    try:
        return condition()
    except (urllib.error.URLError, ConnectionError):
        return False


def _free_ports(count: int) -> list[int]:
    with _bound(count) as sockets:
        return [int(each.getsockname()[1]) for each in sockets]


@contextmanager
def _bound(count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as closed:
        sockets = [closed.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        yield sockets
