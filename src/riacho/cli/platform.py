"""A whole platform under one supervisor: broker, jobs and console, each its own process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riacho.errors import RiachoError, UsageError
from riacho.host.address import LAST_PORT, format_address, parse_address
from riacho.host.child import Child, ChildSpec, riacho_command
from riacho.host.launch import ForkServer, Launch, execute
from riacho.jobs.fork_imports import WORKER_IMPORTS

log = logging.getLogger(__name__)

JOBS_STOP_TIMEOUT_S = 2.8
"""The jobs' supervisor waits for its workers in turn."""

DEFAULT_LISTEN = "127.0.0.1:9092"

PORTS_TRIED = 50
"""How far `next_free` looks for a port."""


PART_IMPORTS = (*WORKER_IMPORTS, "riacho.jobs.supervisor", "riacho.console.server")
"""What the parts need that are forked, jobs and their workers among them. The broker needs none of it."""


@dataclass(frozen=True, slots=True)
class PlatformOptions:
    """What to start and where. With `kafka` no broker is started: that cluster is used."""

    directory: Path
    listen: str
    http: str
    kafka: str | None = None


async def run_platform(
    options: PlatformOptions,
    *,
    on_ready: Callable[[str, str], None],
    until: Callable[[str], Awaitable[object]] | None = None,
    more: Callable[[str], Sequence[ChildSpec]] = lambda _kafka: (),
) -> None:
    """Start the parts, then `more` of them, and keep all alive until SIGINT or SIGTERM, or until `until` returns.

    `on_ready` is called with the addresses of Kafka and of the console once both serve. Raises `RiachoError` where a
    part does not start.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with contextlib.AsyncExitStack() as stack:
        kafka = options.kafka
        forks = ForkServer(PART_IMPORTS)
        stack.push_async_callback(forks.close)
        await forks.start()
        parts = Parts(stopped)
        stack.push_async_callback(parts.stop)
        if kafka is None:
            broker = riacho_command("broker", "--dir", str(options.directory), "--listen", options.listen)
            line = await parts.start(ChildSpec("broker", broker, announces=True))
            kafka = announced(line, "kafka")
        console = riacho_command("console", "--kafka", kafka, "--http", options.http)
        jobs = riacho_command("jobs", "--kafka", kafka, "--dir", str(options.directory))
        lines = await asyncio.gather(
            parts.start(ChildSpec("console", console, announces=True), forks.launch),
            parts.start(ChildSpec("jobs", jobs, announces=True, stop_timeout_s=JOBS_STOP_TIMEOUT_S), forks.launch),
            *(parts.start(spec, forks.launch) for spec in more(kafka)),
        )
        if not stopped.is_set():
            on_ready(kafka, announced(lines[0], "http"))
        if until is not None and not stopped.is_set():
            task = asyncio.ensure_future(until(kafka))
            stack.callback(task.cancel)
            task.add_done_callback(lambda _task: stopped.set())
        await parts.ended()


class Parts:
    """The running parts. The first one started is the last one stopped: the others need it to end well."""

    def __init__(self, stopped: asyncio.Event) -> None:
        self._stopped = stopped
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, spec: ChildSpec, launch: Launch = execute) -> str:
        """Start a part and return the line with which it announced itself; empty when the platform is to end.

        Raises `RiachoError` where it does not start, `OSError` where the machine refuses it.
        """
        child = Child(spec, launch=launch)
        task = asyncio.create_task(child.run(), name=spec.name)
        self._tasks.append(task)
        stopping = asyncio.create_task(self._stopped.wait())
        awaited: list[asyncio.Future[Any]] = [child.ready, stopping, task]
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if child.ready.done():
            return child.ready.result()
        if task.done():
            task.result()
        return ""

    async def ended(self) -> None:
        """Return when the platform is told to end; raise what ended a part for good."""
        stopping = asyncio.create_task(self._stopped.wait())
        try:
            while not self._stopped.is_set():
                running = {task for task in self._tasks if not task.done()}
                done, _ = await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {stopping}:
                    task.result()
        finally:
            stopping.cancel()

    async def stop(self) -> None:
        """End all parts: the first one after the others."""
        for group in (self._tasks[1:], self._tasks[:1]):
            for task in group:
                task.cancel()
            await asyncio.gather(*group, return_exceptions=True)


def announced(line: str, key: str) -> str:
    """The address under a key of a ready line.

    >>> announced("ready kafka=127.0.0.1:9092 http=127.0.0.1:8080", "http")
    '127.0.0.1:8080'
    """
    return dict(item.partition("=")[::2] for item in line.split()[1:]).get(key, "")


def broker_address(listen: str | None, kafka: str | None) -> str:
    """Where the broker is to listen. Raises `UsageError` where none is started."""
    if listen is not None and kafka is not None:
        raise UsageError(
            "--kafka and --listen contradict each other: beside a cluster no broker is started", mend="give one"
        )
    return listen or DEFAULT_LISTEN


def fixed_port(address: str) -> str:
    """The address with a free port in place of port 0, so that a part keeps it when it is restarted.

    Raises `UsageError` for what is no address, `RiachoError` for none of this machine.
    """
    host, port = host_and_port(address)
    if port != 0:
        return address
    bound = _bound_port(host, port)
    assert bound is not None, "port 0 is never taken"
    return format_address(host, bound)


def required_port(address: str, option: str) -> str:
    """As `fixed_port`, for a port that is wanted as it is: before any part starts, it is told that it is taken.

    Raises `UsageError` for what is no address, `RiachoError` for a port that cannot be had.
    """
    fixed = fixed_port(address)
    try:
        _bind(*host_and_port(fixed))
    except OSError as error:
        mend = f"stop what uses it, or choose another with {option}"
        raise RiachoError(f"cannot listen on {address}: {error.strerror}", mend=mend) from error
    return fixed


def next_free(address: str, *, besides: str | None = None) -> str:
    """This address, or with the next port that nobody listens on. Raises `RiachoError` where there is none."""
    host, first = host_and_port(fixed_port(address))
    for port in range(first, min(first + PORTS_TRIED, LAST_PORT + 1)):
        if format_address(host, port) != besides and _bound_port(host, port) is not None:
            return format_address(host, port)
    raise RiachoError(
        f"no port from {first} to {port} is free on {host}", mend="choose another with --listen or --http"
    )


def _bound_port(host: str, port: int) -> int | None:
    """The port that a server would get there; None for one that is taken. Raises `RiachoError`."""
    try:
        return _bind(host, port)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return None
        mend = "choose an address of this machine, as in 127.0.0.1:0"
        where = format_address(host, port)
        raise RiachoError(f"cannot listen on {where}: {error.strerror}", mend=mend) from error


def _bind(host: str, port: int) -> int:
    """The port that a server gets there. Raises `OSError`."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])


def host_and_port(address: str) -> tuple[str, int]:
    """Host and port, the host given. Raises `UsageError`."""
    try:
        host, port = parse_address(address)
    except ValueError:
        host, port = "", 0
    if not host:
        raise UsageError(f"{address!r} is no address", mend="write HOST:PORT, as in 127.0.0.1:9092")
    return host, port
