"""The broker's data directory: whose it is, who holds it, and the partitions in it."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from riacho.errors import RiachoError
from riacho.host import Clock, Disk
from riacho.log import files
from riacho.log.config import LogConfig
from riacho.log.errors import PartitionOffline, is_full
from riacho.log.partition import Partition
from riacho.log.partition_metadata import PARTITION_METADATA_FILE, shown, store_topic_id, stored_topic_id
from riacho.log.segment import LOG_SUFFIX

logger = logging.getLogger(__name__)

FORMAT_VERSION: Final = 1
"""Raised whenever an older Riacho could not read what a newer one writes."""

LOCK_FILE: Final = ".lock"
META_FILE: Final = "meta.properties"
CLEAN_FILE: Final = ".clean-shutdown"
DELETED_SUFFIX: Final = "-delete"
STRAY_SUFFIX: Final = "-stray"
"""Kafka's name, too, for the directory of a topic that is no longer there."""
_BEFORE_META: Final = {LOCK_FILE, META_FILE + files.TEMPORARY_SUFFIX}
"""What a first start that was interrupted leaves behind."""

MAX_NAME_BYTES: Final = 255

EPOCH_DIGITS: Final = 10
"""As many as the largest leader epoch has, so that the file keeps its length."""

SYNCING_THREADS: Final = 16
"""Logs that are opened or closed at once: their fsyncs wait for the disk together, and a file system commits them as
one."""

_PARTITION: Final = re.compile(r"(?P<topic>.+)-(?P<partition>\d+)")
_FORMAT: Final = "riacho.format.version"


class LogDirectory:
    """The directory in which one broker keeps its logs, locked for as long as it is open.

    cluster_id: made once, when the directory is.
    leader_epoch: the number of earlier starts; durable, so that no two starts append under the same epoch.
    clean: whether the process before this one stopped in order.
    """

    def __init__(
        self,
        path: Path,
        disk: Disk,
        clock: Clock,
        lock: int,
        *,
        cluster_id: str,
        node_id: int,
        leader_epoch: int,
        clean: bool,
    ) -> None:
        """Use `LogDirectory.open`."""
        self.path = path
        self.cluster_id = cluster_id
        self.node_id = node_id
        self.leader_epoch = leader_epoch
        self.clean = clean
        self._disk = disk
        self._clock = clock
        self._lock = lock
        self._partitions: dict[tuple[str, int], Partition] = {}
        self._stop_recovery = threading.Event()
        self._durable_names = set(disk.list(path))
        """Partitions whose directories a power loss cannot take away; what is here now was synced by `open`."""

    @classmethod
    def open(cls, path: Path, *, disk: Disk, clock: Clock, node_id: int = 1) -> LogDirectory:
        """Open the directory, or make it where there is none, and begin a new leader epoch. Blocks.

        Raises `RiachoError` where another process holds it, a newer version wrote it, or it is not ours.
        """
        if not disk.exists(path):
            disk.make_directory(path)
            disk.sync_directory(path.parent)
        if not disk.exists(path / META_FILE) and set(disk.list(path)) - _BEFORE_META:
            raise RiachoError(
                "this directory holds files, but not a log of Riacho's",
                where=str(path),
                mend="name an empty or new directory",
            )
        lock = disk.lock(path / LOCK_FILE)
        if lock is None:
            raise RiachoError(
                "another process is using this directory",
                where=str(path),
                mend="stop the broker that runs there, or name another directory",
            )
        try:
            names = set(disk.list(path))
            meta = files.load(disk, path / META_FILE)
            if meta is None:
                cluster_id, leader_epoch = shown(uuid4()), 0
            else:
                cluster_id, node_id, leader_epoch = _parse_meta(meta, path / META_FILE)
            clean = CLEAN_FILE in names
            if clean:
                disk.unlink(path / CLEAN_FILE)
            _store_meta(disk, path, meta, _encode_meta(cluster_id, node_id, leader_epoch + 1))
            disk.sync_directory(path)
            directory = cls(
                path,
                disk,
                clock,
                lock,
                cluster_id=cluster_id,
                node_id=node_id,
                leader_epoch=leader_epoch,
                clean=clean or meta is None,
            )
            directory._remove_deleted(names)
        except BaseException:
            disk.close(lock)
            raise
        if not directory.clean:
            logger.info("%s was not closed in order: its logs are recovered as they are opened", path)
        return directory

    def partitions_on_disk(self) -> list[tuple[str, int]]:
        """The topic and number of every partition that has a directory here."""
        found = []
        for name in self._disk.list(self.path):
            match = _PARTITION.fullmatch(name)
            if match is not None:
                found.append((match["topic"], int(match["partition"])))
        return found

    def open_partition(self, topic: str, partition: int, topic_id: UUID, config: LogConfig) -> Partition:
        """The partition's log: opened and recovered, or made, at first use. Blocks then.

        A new one is durable when this returns. What is left of another topic of that name, one with another id, is
        set aside. Raises what `Partition.open` raises.
        """
        log = self._partitions.get((topic, partition))
        if log is None:
            path = self._path(topic, partition)
            self._disk.make_directory(path)
            self._claim(path, topic_id)
            log = Partition.open(
                path,
                config,
                disk=self._disk,
                clock=self._clock,
                leader_epoch=self.leader_epoch,
                stop=self._stop_recovery,
            )
            if path.name not in self._durable_names:
                self._disk.sync_directory(self.path)
                self._durable_names.add(path.name)
            self._partitions[topic, partition] = log
        return log

    def _claim(self, path: Path, topic_id: UUID) -> None:
        """See to it that the directory is this topic's, and says so."""
        owner = stored_topic_id(self._disk, path)
        if owner == topic_id:
            return
        if owner is not None:
            aside = self._aside(path, STRAY_SUFFIX)
            self._durable_names.discard(path.name)
            self._disk.rename(path, aside)
            self._disk.make_directory(path)
            logger.warning(
                "%s held records of a deleted topic of that name, id %s, and not of the one that is there now, id %s: "
                "they are not served, and set aside as %s; remove that directory if nobody needs them",
                path,
                shown(owner),
                shown(topic_id),
                aside.name,
            )
        has_records = any(name.endswith(LOG_SUFFIX) for name in self._disk.list(path))
        try:
            store_topic_id(self._disk, path, topic_id)
            if has_records:  # else `Partition.open` syncs the directory
                self._disk.sync_directory(path)
        except OSError as error:
            if not (has_records and is_full(error)):
                raise
            logger.warning("%s: no room for %s, which the next opening writes", path, PARTITION_METADATA_FILE)

    def recover(self, partitions: Iterable[tuple[str, int, UUID, LogConfig]]) -> None:
        """Open many logs at once. Blocks. One that cannot be opened is left to `open_partition`, which says why."""

        def recover_one(place: tuple[str, int, UUID, LogConfig]) -> None:
            with suppress(OSError):
                self.open_partition(*place)

        with ThreadPoolExecutor(SYNCING_THREADS, thread_name_prefix="recover") as threads:
            for _ in threads.map(recover_one, partitions):
                pass

    def stop_recovery(self) -> None:
        """The process is to end: `recover` returns soon, and what it leaves is not called clean by `close`."""
        self._stop_recovery.set()

    def opened(self) -> dict[tuple[str, int], Partition]:
        """The logs that are open, by topic and partition."""
        return dict(self._partitions)

    def delete_partition(self, topic: str, partition: int) -> None:
        """Delete the partition's log, if there is one; it stays deleted from when this returns. Blocks.

        Readers of slices that were handed out before may finish.
        """
        log = self._partitions.pop((topic, partition), None)
        path = self._path(topic, partition)
        if not self._disk.exists(path):
            return
        doomed = self._aside(path, DELETED_SUFFIX)
        self._durable_names.discard(path.name)
        self._disk.rename(path, doomed)
        self._disk.sync_directory(self.path)
        self._remove(doomed)
        if log is not None:
            log.discard()

    def close(self) -> None:
        """Close every log and unlock the directory. Blocks.

        It is marked clean unless a log's disk has failed, or a recovery was stopped.
        """
        with ThreadPoolExecutor(SYNCING_THREADS, thread_name_prefix="close") as threads:
            in_order = all([*threads.map(_close, self._partitions.values())])
        self._partitions.clear()
        try:
            if in_order and not self._stop_recovery.is_set():
                files.replace(self._disk, self.path / CLEAN_FILE, b"")
                self._disk.sync_directory(self.path)
        except OSError as error:
            logger.error(
                "%s could not be marked as closed in order, and is recovered at its opening: %s", self.path, error
            )
        finally:
            self._disk.close(self._lock)

    def _path(self, topic: str, partition: int) -> Path:
        return self.path / f"{topic}-{partition}"

    def _aside(self, path: Path, suffix: str) -> Path:
        """A name under which nobody looks for a partition."""
        ending = f".{uuid4().hex}{suffix}"
        return self.path / (path.name[: MAX_NAME_BYTES - len(ending)] + ending)

    def _remove_deleted(self, names: Iterable[str]) -> None:
        """End the deletions that a crash or the disk has cut short; nobody sees what cannot be removed now either."""
        for name in names:
            if name.endswith(DELETED_SUFFIX):
                try:
                    self._remove(self.path / name)
                except OSError as error:
                    logger.error("%s is left of a deleted partition and cannot be removed: %s", self.path / name, error)

    def _remove(self, path: Path) -> None:
        for name in self._disk.list(path):
            self._disk.unlink(path / name)
        self._disk.remove_directory(path)
        self._disk.sync_directory(self.path)


def _close(log: Partition) -> bool:
    """Whether the log needs no recovery."""
    failed_before = log.failed
    try:
        log.close()
    except PartitionOffline as error:
        logger.error("%s", error)
        return False
    return not failed_before


def _store_meta(disk: Disk, directory: Path, before: bytes | None, after: bytes) -> None:
    """Replace the file that says whose directory it is; on a full disk write over it, which needs no room.

    The two differ in digits of the epoch alone, within the one sector that a disk writes whole.
    """
    path = directory / META_FILE
    try:
        files.replace(disk, path, after)
    except OSError as error:
        if not is_full(error) or before is None or len(before) != len(after):
            raise
        temporary = path.with_name(path.name + files.TEMPORARY_SUFFIX)
        if disk.exists(temporary):
            disk.unlink(temporary)
        fd = disk.open(path)
        try:
            disk.write(fd, 0, (after,))
            disk.sync(fd)
        finally:
            disk.close(fd)
        logger.warning("%s: the disk is full", directory)


def _encode_meta(cluster_id: str, node_id: int, next_leader_epoch: int) -> bytes:
    return (
        f"{_FORMAT}={FORMAT_VERSION}\n"
        f"cluster.id={cluster_id}\n"
        f"node.id={node_id}\n"
        f"next.leader.epoch={next_leader_epoch:0{EPOCH_DIGITS}}\n"
    ).encode()


def _parse_meta(text: bytes, path: Path) -> tuple[str, int, int]:
    """Cluster id, node id and the leader epoch to begin with."""
    properties = {}
    for line in text.decode("utf-8", "replace").splitlines():
        name, separator, value = line.partition("=")
        if separator:
            properties[name.strip()] = value.strip()
    if _FORMAT not in properties:
        raise RiachoError(
            "this directory belongs to another broker, such as Apache Kafka",
            where=str(path),
            mend="name an empty or new directory",
        )
    try:
        version = int(properties[_FORMAT])
        if version > FORMAT_VERSION:
            raise RiachoError(
                f"a newer Riacho wrote this directory: its format is {version}, this one reads up to {FORMAT_VERSION}",
                where=str(path),
                mend="use that version, or name another directory",
            )
        return properties["cluster.id"], int(properties["node.id"]), int(properties["next.leader.epoch"])
    except (KeyError, ValueError) as error:
        raise RiachoError(
            f"the file is damaged: {error} is missing or not a number",
            where=str(path),
            mend="restore it from a backup",
        ) from error
