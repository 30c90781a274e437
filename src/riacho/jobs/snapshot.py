"""A job's snapshots on disk: state and source positions, whole, durable before they count.

A snapshot is a folder `snapshots/<number>` that holds `state.bin` (every array, one after another) and
`manifest.json` (what the arrays are, their checksums, the positions, and a checksum of all this). It is written under
another name, synced, and renamed into place: what carries a number is complete. The previous one is kept until the next
has been written.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from crc32c import crc32c

from riacho import __version__
from riacho.dataflow.operator import AFRESH, STATE_LAYOUT
from riacho.errors import RiachoError
from riacho.host import Clock, Disk

FORMAT = 1
LAYOUT_BEFORE_ANY = 0
"""Of snapshots from before the layout of state was written down."""

ALIGNMENT = 64
"""Arrays start at multiples of a cache line, so that a mapped snapshot can be used in place."""

KEPT = 2
"""The newest snapshot and the one before it, in case the newest proves unreadable."""

CHECKSUM = "crc32c"
"""In the manifest: of the rest of it, as it is written. A digit of a position would else change, and nobody notice."""

PARTIAL = ".partial"

SUBMISSION = "submission"
"""The file that names the submission which last began without earlier snapshots."""

Arrays = Mapping[str, npt.NDArray[np.generic]]
Json = Any  # what json.loads returns

log = logging.getLogger(__name__)


class SnapshotError(RiachoError):
    """A snapshot that cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a job was when it was taken.

    `fingerprint` identifies the plan that the state belongs to; `positions` is JSON: where each source stood. `layout`
    says how the arrays are to be read, and `release` which riacho wrote them.
    """

    number: int
    created_ms: int
    fingerprint: str
    positions: dict[str, Json]
    arrays: dict[str, npt.NDArray[np.generic]]
    layout: int = STATE_LAYOUT
    release: str = __version__

    @property
    def bytes(self) -> int:
        """The size of the state."""
        return sum(array.nbytes for array in self.arrays.values())


class SnapshotStore:
    """The snapshots of one job, in one directory that nobody else writes to; others may read there meanwhile."""

    def __init__(self, directory: Path, *, disk: Disk, clock: Clock) -> None:
        self._directory = directory / "snapshots"
        self._disk = disk
        self._clock = clock
        self._make_directory(self._directory)

    def write(self, fingerprint: str, positions: Mapping[str, Json], arrays: Arrays) -> Snapshot:
        """Make a snapshot durable and forget those before the previous one.

        Raises `SnapshotError` when the disk refuses: those before it stay, and the job goes on from them.
        """
        try:
            return self._write(fingerprint, positions, arrays)
        except OSError as error:
            raise SnapshotError(
                f"a snapshot cannot be written: {error.strerror}",
                where=str(self._directory),
                mend="once that is mended the job goes on from the snapshot before it",
            ) from error

    def _write(self, fingerprint: str, positions: Mapping[str, Json], arrays: Arrays) -> Snapshot:
        self._delete_partial()
        numbers = self._numbers()
        number = numbers[-1] + 1 if numbers else 1
        snapshot = Snapshot(number, self._clock.now_ms(), fingerprint, dict(positions), dict(arrays))
        partial = self._directory / f"{number:08d}{PARTIAL}"
        self._disk.make_directory(partial)
        described = self._write_arrays(partial / "state.bin", snapshot.arrays)
        manifest = {
            "format": FORMAT,
            "layout": snapshot.layout,
            "release": snapshot.release,
            "created_ms": snapshot.created_ms,
            "fingerprint": fingerprint,
            "positions": snapshot.positions,
            "arrays": described,
        }
        self._write_file(partial / "manifest.json", _json(manifest | {CHECKSUM: crc32c(_json(manifest))}))
        self._disk.sync_directory(partial)
        self._disk.rename(partial, self._directory / f"{number:08d}")
        self._remove([*numbers, number][:-KEPT])
        return snapshot

    def newest(self) -> Snapshot | None:
        """The newest readable snapshot, or None before the first. An unreadable one is reported and passed over.

        Raises `SnapshotError` where snapshots exist and none is readable: going on without would lose the state.
        """
        numbers = self._numbers()
        for number in reversed(numbers):
            try:
                return self._read(number)
            except (SnapshotError, OSError, ValueError, KeyError) as error:
                log.warning("snapshot %d cannot be read: %s", number, error)
        if numbers:
            raise SnapshotError(
                "no snapshot of this job can be read",
                where=str(self._directory),
                mend=f"restore the folder from a backup, or {AFRESH}",
            )
        return None

    def clear(self) -> None:
        """Remove every snapshot: the job has ended, or starts afresh."""
        self._delete_partial()
        self._remove(self._numbers())

    def begin(self, submission: str) -> None:
        """Remove the snapshots of earlier submissions; those that this one has taken since it first began stay."""
        marker = self._directory / SUBMISSION
        if self._disk.exists(marker) and self._read_file(marker) == submission.encode():
            return
        self.clear()  # and only then the mark: where a crash comes between, there is nothing yet to lose
        if self._disk.exists(marker):
            self._disk.unlink(marker)
        self._write_file(marker, submission.encode())
        self._disk.sync_directory(self._directory)

    def _numbers(self) -> list[int]:
        return [int(name) for name in self._disk.list(self._directory) if name.isdigit()]

    def _write_arrays(self, path: Path, arrays: Arrays) -> dict[str, Json]:
        described: dict[str, Json] = {}
        fd = self._disk.open(path, create=True)
        try:
            position = 0
            for name, array in arrays.items():
                flat = np.ascontiguousarray(array)
                content = flat.reshape(-1).view(np.uint8).data
                position += -position % ALIGNMENT
                described[name] = {
                    "dtype": flat.dtype.str,
                    "shape": list(flat.shape),
                    "position": position,
                    "crc32c": crc32c(content),
                }
                if flat.nbytes:
                    self._disk.write(fd, position, [content])
                position += flat.nbytes
            self._disk.sync(fd)
        finally:
            self._disk.close(fd)
        return described

    def _write_file(self, path: Path, content: bytes) -> None:
        fd = self._disk.open(path, create=True)
        try:
            self._disk.write(fd, 0, [content])
            self._disk.sync(fd)
        finally:
            self._disk.close(fd)

    def _read(self, number: int) -> Snapshot:
        folder = self._directory / f"{number:08d}"
        manifest = self._read_manifest(folder)
        if manifest["format"] != FORMAT:
            raise SnapshotError(
                f"format {manifest['format']} is newer than this version reads ({FORMAT})",
                where=str(folder),
                mend=f"upgrade riacho, or {AFRESH}",
            )
        content = memoryview(self._read_file(folder / "state.bin"))
        arrays: dict[str, npt.NDArray[np.generic]] = {}
        for name, described in manifest["arrays"].items():
            kind, shape = np.dtype(described["dtype"]), tuple(described["shape"])
            length = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
            part = content[described["position"] : described["position"] + length]
            if len(part) != length or crc32c(part) != described["crc32c"]:
                raise SnapshotError(f"array {name} is damaged", where=str(folder))
            arrays[name] = np.frombuffer(part, kind).reshape(shape).copy()
        return Snapshot(
            number,
            manifest["created_ms"],
            manifest["fingerprint"],
            manifest["positions"],
            arrays,
            manifest.get("layout", LAYOUT_BEFORE_ANY),
            manifest.get("release", __version__),
        )

    def _read_manifest(self, folder: Path) -> dict[str, Json]:
        try:
            manifest: dict[str, Json] = json.loads(self._read_file(folder / "manifest.json"))
        except ValueError as error:
            raise SnapshotError("its manifest is damaged", where=str(folder)) from error
        checksum = manifest.pop(CHECKSUM, None)  # none in those that an older riacho wrote
        if checksum is not None and checksum != crc32c(_json(manifest)):
            raise SnapshotError("its manifest is damaged", where=str(folder))
        return manifest

    def _read_file(self, path: Path) -> bytes:
        fd = self._disk.open(path)
        try:
            return self._disk.read(fd, 0, self._disk.size(fd))
        finally:
            self._disk.close(fd)

    def _remove(self, numbers: Sequence[int]) -> None:
        """Take these snapshots' numbers from them, oldest first, make all names durable, and delete what is left."""
        doomed = [f"{number:08d}" for number in numbers]
        for name in doomed:
            self._disk.rename(self._directory / name, self._directory / f"{name}{PARTIAL}")
        self._disk.sync_directory(self._directory)
        for name in doomed:
            self._delete(f"{name}{PARTIAL}")

    def _delete_partial(self) -> None:
        """Delete what an earlier process left half written or half deleted."""
        for name in self._disk.list(self._directory):
            if name.endswith(PARTIAL):
                self._delete(name)

    def _delete(self, name: str) -> None:
        """Delete a folder that is no snapshot, or no longer."""
        folder = self._directory / name
        for file in self._disk.list(folder):
            self._disk.unlink(folder / file)
        self._disk.remove_directory(folder)

    def _make_directory(self, path: Path) -> None:
        """Make a directory and its parents durably."""
        if path == path.parent or self._disk.exists(path):
            return
        self._make_directory(path.parent)
        self._disk.make_directory(path)
        self._disk.sync_directory(path.parent)


def _json(manifest: Mapping[str, Json]) -> bytes:
    return json.dumps(manifest, indent=1).encode()
