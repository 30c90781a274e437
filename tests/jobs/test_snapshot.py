"""Snapshots: whole, durable, the newest readable one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from riacho.host import ManualClock, SystemDisk
from riacho.jobs.snapshot import SnapshotError, SnapshotStore

ARRAYS = {
    "totals.sum": np.arange(10, dtype=np.int64),
    "totals.empty": np.empty(0, np.float64),
    "totals.pairs": np.array([[1, 2], [3, 4]], dtype=np.int32),
}


def store(directory: Path) -> SnapshotStore:
    return SnapshotStore(directory, disk=SystemDisk(), clock=ManualClock(wall_ms=1_000))


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    store(tmp_path).write("plan-1", {"bids": {"0": 17}}, ARRAYS)
    snapshot = store(tmp_path).newest()
    assert snapshot is not None
    assert (snapshot.number, snapshot.created_ms, snapshot.fingerprint) == (1, 1_000, "plan-1")
    assert snapshot.positions == {"bids": {"0": 17}}
    assert snapshot.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(snapshot.arrays[name], array)
        assert snapshot.arrays[name].dtype == array.dtype


def test_there_is_none_before_the_first_and_none_after_clear(tmp_path: Path) -> None:
    snapshots = store(tmp_path)
    assert snapshots.newest() is None
    snapshots.write("plan", {}, ARRAYS)
    snapshots.clear()
    assert snapshots.newest() is None


def test_the_newest_and_the_one_before_are_kept(tmp_path: Path) -> None:
    snapshots = store(tmp_path)
    for position in range(5):
        snapshots.write("plan", {"at": position}, ARRAYS)
    newest = snapshots.newest()
    assert newest is not None
    assert newest.positions == {"at": 4}
    assert sorted(path.name for path in (tmp_path / "snapshots").iterdir()) == ["00000004", "00000005"]


def test_a_half_written_snapshot_does_not_count(tmp_path: Path) -> None:
    store(tmp_path).write("plan", {"at": 1}, ARRAYS)
    half = tmp_path / "snapshots" / "00000002.partial"
    half.mkdir()
    (half / "state.bin").write_bytes(b"half")
    snapshots = store(tmp_path)
    newest = snapshots.newest()
    assert newest is not None
    assert newest.positions == {"at": 1}

    snapshots.write("plan", {"at": 2}, ARRAYS)
    assert sorted(path.name for path in (tmp_path / "snapshots").iterdir()) == ["00000001", "00000002"]


class SnapshotRead(SystemDisk):
    """A disk on which somebody reads the snapshots while one is written: when its files are complete."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self.found: list[object] = []

    def sync_directory(self, path: Path) -> None:
        if path.suffix == ".partial":
            newest = store(self.directory).newest()
            self.found.append(newest and newest.positions)
        super().sync_directory(path)


def test_who_reads_snapshots_leaves_the_one_that_is_being_written(tmp_path: Path) -> None:
    disk = SnapshotRead(tmp_path)
    snapshots = SnapshotStore(tmp_path, disk=disk, clock=ManualClock())

    snapshots.write("plan", {"at": 1}, ARRAYS)
    snapshots.write("plan", {"at": 2}, ARRAYS)

    assert disk.found == [None, {"at": 1}]
    newest = snapshots.newest()
    assert newest is not None
    assert newest.positions == {"at": 2}


def test_a_damaged_snapshot_gives_way_to_the_one_before(tmp_path: Path) -> None:
    snapshots = store(tmp_path)
    snapshots.write("plan", {"at": 1}, ARRAYS)
    snapshots.write("plan", {"at": 2}, ARRAYS)
    flip_a_byte(tmp_path / "snapshots" / "00000002" / "state.bin")
    newest = store(tmp_path).newest()
    assert newest is not None
    assert newest.positions == {"at": 1}


@pytest.mark.parametrize(("written", "flipped"), [(b'"0": 17', b'"0": 16'), (b'"plan"', b'"plan')])
def test_a_snapshot_whose_positions_have_changed_gives_way_too(tmp_path: Path, written: bytes, flipped: bytes) -> None:
    snapshots = store(tmp_path)
    snapshots.write("plan", {"bids": {"0": 11}}, ARRAYS)
    snapshots.write("plan", {"bids": {"0": 17}}, ARRAYS)
    manifest = tmp_path / "snapshots" / "00000002" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(written, flipped))

    newest = snapshots.newest()

    assert newest is not None
    assert newest.positions == {"bids": {"0": 11}}


def test_snapshots_of_which_none_can_be_read_stop_the_job(tmp_path: Path) -> None:
    store(tmp_path).write("plan", {"at": 1}, ARRAYS)
    flip_a_byte(tmp_path / "snapshots" / "00000001" / "state.bin")
    with pytest.raises(SnapshotError, match="--fresh"):
        store(tmp_path).newest()


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8] ^= 0xFF
    path.write_bytes(bytes(content))


def test_a_submission_that_begins_afresh_keeps_what_it_has_gathered_since(tmp_path: Path) -> None:
    store(tmp_path).write("plan", {"of": "an earlier one"}, ARRAYS)
    store(tmp_path).begin("2 7")
    assert store(tmp_path).newest() is None

    store(tmp_path).write("plan", {"of": "this one"}, ARRAYS)
    store(tmp_path).begin("2 7")
    kept = store(tmp_path).newest()
    assert kept is not None
    assert kept.positions == {"of": "this one"}

    store(tmp_path).begin("3 8")
    assert store(tmp_path).newest() is None
