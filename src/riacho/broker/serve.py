"""A broker's life as a process: start, `ready`, signals, clean end."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from riacho.broker.broker import NODE_ID, Broker
from riacho.broker.config.settings import Settings
from riacho.broker.group_commit import DiskThreads
from riacho.broker.metadata.log import MetadataDamageError, MetadataLog
from riacho.broker.metadata.store import MetadataStore
from riacho.broker.server import Server, listen
from riacho.errors import RiachoError
from riacho.host import SystemClock, SystemDisk
from riacho.host.address import WILDCARDS
from riacho.log.directory import LogDirectory

logger = logging.getLogger(__name__)

METADATA_DIRECTORY = "metadata"

_MENDS = {
    errno.ENOSPC: "make room on that disk, or name a directory on another one with --dir",
    errno.EDQUOT: "make room within the quota, or name a directory on another disk with --dir",
    errno.EROFS: "mount that file system for writing, or name a directory on another one with --dir",
    errno.EACCES: "give this user the right to write there, or name another directory with --dir",
    errno.EPERM: "give this user the right to write there, or name another directory with --dir",
    errno.ENOTDIR: "there is a file where a directory is to be: move it away, or name another directory with --dir",
    errno.EEXIST: "there is a file where a directory is to be: move it away, or name another directory with --dir",
}


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """What the command line says."""

    directory: Path
    listen: tuple[str, int]
    advertise: tuple[str, int] | None = None
    sync_before_acks_all: bool = True
    properties: Mapping[str, str] = field(default_factory=dict)


class DefectError(RiachoError):
    """Something happened that no code expects; the log has the details."""


def run(options: BrokerOptions) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises `RiachoError` where the broker cannot start, or cannot go on."""
    _raise_file_limit()
    gc.disable()  # until it serves: what a start makes is kept
    try:
        import uvloop
    except ImportError:  # there is none for this platform: asyncio's own loop serves, at twice the cost
        asyncio.run(_serve(options))
    else:
        uvloop.run(_serve(options))


async def _serve(options: BrokerOptions) -> None:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[None] = loop.create_future()

    def stop_with(error: BaseException | None = None) -> None:
        if stop.done():
            return
        if error is None:
            stop.set_result(None)
        else:
            logger.critical("the broker cannot go on", exc_info=error)
            stop.set_exception(DefectError("the broker stopped: a defect, described in its log"))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_with)
    threads = DiskThreads(loop, stop_with)
    settings = Settings(options.properties, sync_before_acks_all=options.sync_before_acks_all)
    sock = listen(*options.listen, settings.integer("socket.listen.backlog.size"))
    try:
        address: tuple[str, int] = sock.getsockname()[:2]
        with _disk_errors_told(options.directory):
            broker = _open(options, settings, threads, address)
            started = await _start(broker, stop)
        if not started:
            await broker.close()
            await stop
            sock.close()
            return
        server = Server(broker, sock)
    except BaseException:
        sock.close()
        raise
    # What exists by now stays: the collector need never look at it (a full collection takes milliseconds).
    gc.freeze()
    gc.enable()
    host, port = broker.advertised(address)
    _announce(f"ready kafka={f'[{host}]' if ':' in host else host}:{port}")
    logger.info("serving %s at %s:%d", options.directory, *address)
    try:
        await stop
    finally:
        logger.info("stopping")
        await server.close()
        await broker.close()
        logger.info("stopped")


async def _start(broker: Broker, stop: asyncio.Future[None]) -> bool:
    """Start the broker. False where it is to stop before that is done: the next start recovers what is left."""
    starting = asyncio.ensure_future(broker.start())
    await asyncio.wait((starting, stop), return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()
        return True
    logger.info("stopping before everything is recovered: the next start recovers the rest")
    broker.directory.stop_recovery()
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting
    return False


@contextmanager
def _disk_errors_told(directory: Path) -> Iterator[None]:
    """A disk that keeps the broker from its start is told with the directory, and with how to mend it."""
    try:
        yield
    except RiachoError:
        raise
    except OSError as error:
        raise RiachoError(
            f"the data directory cannot be used: {error.strerror or error}",
            where=str(error.filename or directory),
            mend=_MENDS.get(error.errno or 0, "see to the disk, or name another directory with --dir"),
        ) from error


def _open(options: BrokerOptions, settings: Settings, threads: DiskThreads, address: tuple[str, int]) -> Broker:
    clock, disk = SystemClock(), SystemDisk()
    directory = LogDirectory.open(options.directory, disk=disk, clock=clock, node_id=NODE_ID)
    metadata_log = MetadataLog(options.directory / METADATA_DIRECTORY, disk)
    if metadata_log.is_new and directory.partitions_on_disk():
        raise MetadataDamageError(
            "there are partitions but no metadata that says which topics they belong to",
            where=str(options.directory / METADATA_DIRECTORY),
            mend="restore the data directory from a copy",
        )
    metadata = MetadataStore(metadata_log, threads)
    advertised = options.advertise
    if advertised is None and options.listen[0] not in WILDCARDS:
        advertised = options.listen[0], address[1]
    settings.static = _with_identity(settings.static, options, address, advertised)
    return Broker(
        settings=settings,
        directory=directory,
        metadata=metadata,
        threads=threads,
        advertised=advertised,
        clock=clock,
        disk=disk,
    )


def _with_identity(
    properties: Mapping[str, str],
    options: BrokerOptions,
    address: tuple[str, int],
    advertised: tuple[str, int] | None,
) -> dict[str, str]:
    """The properties that follow from the command line: what this broker is, as DescribeConfigs tells it."""
    host, port = advertised or (socket.gethostname(), address[1])
    return {
        **properties,
        "node.id": str(NODE_ID),
        "broker.id": str(NODE_ID),
        "process.roles": "broker,controller",
        "listeners": f"PLAINTEXT://{options.listen[0]}:{address[1]}",
        "advertised.listeners": f"PLAINTEXT://{host}:{port}",
        "log.dirs": str(options.directory),
    }


def _announce(line: str) -> None:
    """The one line on stdout, for whoever started this process and waits for it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one: every segment and every connection is one."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
