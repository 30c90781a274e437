from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cramjam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_batches import NOW_MS, batch_of, records
from simulated_log import ANY_TIME, DIRECTORY, append, open_log

from riacho.host import ManualClock, SystemDisk
from riacho.log import (
    BatchError,
    LogConfig,
    OffsetOutOfRange,
    Partition,
    TimestampedOffset,
    check_batch,
)
from simulated_disk import SimulatedDisk


@dataclass
class Model:
    """A log as a list of batches: what every look-up must agree with."""

    batches: list[list[int]] = field(default_factory=list)
    """The records' timestamps."""
    stored: list[bytes] = field(default_factory=list)
    start: int = 0

    def bases(self) -> Iterator[tuple[int, int]]:
        base = 0
        for number, stamps in enumerate(self.batches):
            yield number, base
            base += len(stamps)

    @property
    def end(self) -> int:
        return sum(map(len, self.batches))

    def batch_with(self, offset: int) -> int:
        return max(number for number, base in self.bases() if base <= offset)

    def records(self) -> list[tuple[int, int]]:
        stamps = [stamp for batch in self.batches for stamp in batch]
        return [(offset, stamp) for offset, stamp in enumerate(stamps) if offset >= self.start]

    def at_or_after(self, timestamp: int) -> tuple[int, int] | None:
        return next((record for record in self.records() if record[1] >= timestamp), None)

    def largest(self) -> tuple[int, int] | None:
        return max(self.records(), key=lambda record: (record[1], -record[0]), default=None)


def fill(log: Partition, appends: list[tuple[list[int], int]]) -> Model:
    model = Model()
    for stamps, size in appends:
        batch = batch_of([bytes(size)] * len(stamps), timestamps=stamps)
        appended = log.append(batch, check_batch(batch))
        assert appended.base_offset == model.end
        model.batches.append(stamps)
        model.stored.append(bytes(batch))
    return model


def check_reads(log: Partition, model: Model, max_bytes: int) -> None:
    for offset in range(model.start, model.end):
        part = log.read(offset, max_bytes)
        data = log.load(part)
        first = model.batch_with(offset)
        last = model.batch_with(part.next_offset - 1)
        assert data == b"".join(model.stored[first : last + 1])
        assert part.next_offset == sum(map(len, model.batches[: last + 1]))
        assert len(data) <= max_bytes or first == last
        assert log.read(offset, max_bytes, at_least_one=False).length == (len(data) if len(data) <= max_bytes else 0)
    assert log.read(model.end, max_bytes).length == 0


def check_times(log: Partition, model: Model) -> None:
    times = {stamp for batch in model.batches for stamp in batch}
    for timestamp in times | {stamp + 1 for stamp in times} | {0}:
        expected = model.at_or_after(timestamp)
        assert as_pair(log.find_by_time(timestamp)) == expected
    assert as_pair(log.max_timestamp()) == model.largest()


def as_pair(found: TimestampedOffset | None) -> tuple[int, int] | None:
    return None if found is None else (found.offset, found.timestamp_ms)


appends = st.lists(
    st.tuples(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(0, 300)), min_size=1, max_size=40
)
configs = st.builds(
    LogConfig,
    segment_bytes=st.integers(1500, 6000),
    segment_ms=st.sampled_from([15, 2**40]),
    index_interval_bytes=st.sampled_from([0, 200, 700]),
    message_timestamp_after_max_ms=st.just(2**62),
)


@settings(max_examples=60, deadline=None)
@given(appends, configs, st.integers(0, 3000))
def test_every_look_up_agrees_with_a_plain_list(
    appends: list[tuple[list[int], int]], config: LogConfig, max_bytes: int
) -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk, config)
    model = fill(log, appends)
    check_reads(log, model, max_bytes)
    check_times(log, model)
    log.close()
    log = open_log(disk, config, leader_epoch=1)
    assert log.end_offset == model.end
    check_times(log, model)
    check_reads(log, model, max_bytes)


@settings(max_examples=60, deadline=None)
@given(appends, configs, st.data())
def test_damaged_and_missing_indexes_are_built_anew_at_their_first_use(
    appends: list[tuple[list[int], int]], config: LogConfig, data: st.DataObject
) -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk, config)
    model = fill(log, appends)
    log.close()
    for name in disk.list(DIRECTORY):
        if not name.endswith("index"):
            continue
        damage = data.draw(st.sampled_from(["none", "missing", "cut", "zeros", "noise"]))
        fd = disk.open(DIRECTORY / name)
        size = disk.size(fd)
        if damage == "missing":
            disk.unlink(DIRECTORY / name)
        elif damage == "cut":
            disk.truncate(fd, data.draw(st.integers(0, size)))
        elif damage == "zeros":
            disk.write(fd, 0, [bytes(size)])
        elif damage == "noise":
            disk.write(fd, 0, [disk.random.randbytes(size)])
    log = open_log(disk, config, leader_epoch=1)
    check_times(log, model)
    check_reads(log, model, 1000)


def test_a_consumer_that_keeps_up_and_one_far_behind_read_the_same_log() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk, LogConfig(segment_bytes=200_000, index_interval_bytes=4096))
    model = fill(log, [([NOW_MS], 20 + number % 50) for number in range(5000)])
    for offset in [*range(0, 5000, 97), *range(4900, 5000)]:
        part = log.read(offset, 700)
        assert log.load(part) == b"".join(model.stored[offset : part.next_offset])
        assert 0 < part.length <= 700


def test_consumers_that_read_on_where_they_were_cut_see_every_batch_once() -> None:
    log = open_log(SimulatedDisk(0), LogConfig(segment_bytes=300_000, index_interval_bytes=4096))
    model = fill(log, [([NOW_MS], 20 + number % 50) for number in range(5000)])
    seen = {max_bytes: bytearray() for max_bytes in (900, 5_000, 5_001)}
    offsets = dict.fromkeys(seen, 0)
    while any(offset < model.end for offset in offsets.values()):
        for max_bytes, offset in offsets.items():
            part = log.read(offset, max_bytes)
            seen[max_bytes] += log.load(part)
            offsets[max_bytes] = part.next_offset
    assert all(data == b"".join(model.stored) for data in seen.values())


def test_base_offsets_follow_each_other_and_carry_the_leader_epoch() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk, leader_epoch=4)
    assert append(log, b"a", b"b")[:2] == (0, 1)
    assert append(log, b"c")[:2] == (2, 2)
    assert [(header.base_offset, header.leader_epoch) for header in log.headers(0)] == [(0, 4), (2, 4)]


def test_offsets_outside_of_the_log_are_refused() -> None:
    log = open_log(SimulatedDisk(0))
    append(log, b"a", b"b")
    log.delete_records_before(1)
    for offset in (-1, 0, 3):
        with pytest.raises(OffsetOutOfRange):
            log.read(offset, 100)
    assert log.read(1, 100).next_offset == 2
    assert log.read(2, 100).length == 0


def test_a_batch_too_large_for_its_topic_leaves_the_log_as_it_was() -> None:
    log = open_log(SimulatedDisk(0), LogConfig(max_message_bytes=100))
    with pytest.raises(BatchError) as caught:
        append(log, bytes(200))
    assert caught.value.error == "MESSAGE_TOO_LARGE"
    assert (log.end_offset, log.size) == (0, 0)


def test_a_segment_is_rolled_by_size_and_says_so() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk, LogConfig(segment_bytes=500))
    rolled = [append(log, bytes(200)).rolled for _ in range(5)]
    assert rolled == [False, True, True, True, True] or sum(rolled) >= 2
    log.sync()
    assert log.segment_base_offsets == [0] + [offset for offset, new in enumerate(rolled) if new]
    assert f"{log.segment_base_offsets[-1]:020d}.log" in disk.list(DIRECTORY)


def test_a_segment_is_rolled_by_the_age_of_its_records_not_by_the_clock() -> None:
    clock = ManualClock(wall_ms=NOW_MS)
    log = open_log(SimulatedDisk(0), LogConfig(segment_ms=1000), clock=clock)
    append(log, b"a", timestamps=[NOW_MS])
    clock.advance(5000)
    assert not append(log, b"b", timestamps=[NOW_MS + 1000]).rolled
    assert append(log, b"c", timestamps=[NOW_MS + 1001]).rolled


def test_records_without_timestamps_age_by_the_clock() -> None:
    clock = ManualClock(wall_ms=NOW_MS)
    log = open_log(SimulatedDisk(0), LogConfig(segment_ms=1000), clock=clock)
    append(log, b"a", timestamps=[-1])
    clock.advance(1000)
    assert not append(log, b"b", timestamps=[-1]).rolled
    clock.advance(1)
    assert append(log, b"c", timestamps=[-1]).rolled
    assert log.find_by_time(0) is None
    assert log.max_timestamp() is None


def test_log_append_time_replaces_the_producers_timestamps() -> None:
    clock = ManualClock(wall_ms=NOW_MS + 7)
    log = open_log(SimulatedDisk(0), LogConfig(message_timestamp_type="LogAppendTime"), clock=clock)
    batch = batch_of([b"a", b"b"], timestamps=[5, 9])
    appended = log.append(batch, check_batch(batch))
    assert appended.log_append_time_ms == NOW_MS + 7
    stored = log.load(log.read(0, 1000))
    (header,) = log.headers(0)
    assert header.is_log_append_time
    assert header.max_timestamp == NOW_MS + 7
    assert as_pair(log.find_by_time(NOW_MS)) == (0, NOW_MS + 7)
    assert check_batch(stored).checksum == header.checksum


def test_a_repeated_batch_is_not_stored_twice() -> None:
    log = open_log(SimulatedDisk(0))
    batch = bytes(batch_of([b"a", b"b"], producer=(7, 0, 0)))
    first = log.append(batch, check_batch(batch))
    again = log.append(batch, check_batch(batch))
    assert again == (first.base_offset, first.last_offset, -1, True, False)
    assert log.end_offset == 2


@pytest.mark.parametrize(
    ("codec", "compress"),
    [
        (1, cramjam.gzip.compress),
        (2, cramjam.snappy.compress_raw),
        (2, lambda data: b"\x82SNAPPY\x00\0\0\0\1\0\0\0\1" + xerial_blocks(data)),
        (3, cramjam.lz4.compress),
        (4, cramjam.zstd.compress),
    ],
    ids=["gzip", "snappy", "snappy in xerial's frame", "lz4", "zstd"],
)
def test_a_time_is_found_inside_a_compressed_batch(codec: int, compress) -> None:  # type: ignore[no-untyped-def]
    log = open_log(SimulatedDisk(0))
    stamps = [NOW_MS + step for step in (0, 30, 10, 40)]
    payload = bytes(compress(records([b"v"] * 4, stamps, NOW_MS)))
    batch = batch_of([b"v"] * 4, timestamps=stamps, attributes=codec, payload=payload)
    log.append(batch, check_batch(batch))
    assert as_pair(log.find_by_time(NOW_MS + 5)) == (1, NOW_MS + 30)
    assert as_pair(log.max_timestamp()) == (3, NOW_MS + 40)


def xerial_blocks(data: bytes) -> bytes:
    out = b""
    for start in range(0, len(data), 10):
        block = bytes(cramjam.snappy.compress_raw(data[start : start + 10]))
        out += len(block).to_bytes(4, "big") + block
    return out


def test_a_time_in_a_batch_whose_records_cannot_be_read_is_answered_by_its_header() -> None:
    log = open_log(SimulatedDisk(0))
    batch = batch_of([b"v"] * 2, attributes=4, payload=b"not zstd")
    log.append(batch, check_batch(batch))
    assert as_pair(log.find_by_time(NOW_MS)) == (0, NOW_MS)


def test_a_slice_can_be_read_after_its_segment_is_deleted(tmp_path: Path) -> None:
    log = Partition.open(tmp_path, ANY_TIME, disk=SystemDisk(), clock=ManualClock(NOW_MS), leader_epoch=0)
    append(log, b"a")
    log.roll()
    append(log, b"b")
    part = log.read(0, 1000)
    before = log.load(part)
    log.delete_records_before(1)
    log.close()
    assert not (tmp_path / f"{0:020d}.log").exists()
    assert os.pread(part.fd, part.length, part.position) == before


def test_many_segments_keep_few_files_open() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk, LogConfig(segment_bytes=100, segment_ms=2**40))
    for number in range(60):
        append(log, b"%020d" % number)
    log.sync()
    for offset in range(60):
        log.read(offset, 10)
    assert len(log.segment_base_offsets) == 60
    assert len(disk._open) < 15


def test_earliest_and_latest_answer_with_their_epochs() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk, leader_epoch=3)
    append(log, b"a", b"b")
    log.close()
    log = open_log(disk, leader_epoch=5)
    append(log, b"c")
    assert log.earliest() == (0, -1, 3)
    assert log.latest() == (3, -1, 5)
    assert log.end_offset_for_epoch(3) == (3, 2)
    assert log.end_offset_for_epoch(5) == (5, 3)
    assert log.end_offset_for_epoch(6) == (-1, -1)


class _SlowSyncs(SystemDisk):
    """A disk whose syncs begin, and end when they are told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def sync(self, fd: int) -> None:
        self.begun.set()
        assert self.may_end.wait(timeout=30)
        super().sync(fd)


def test_reads_go_on_while_a_sync_runs_and_appends_may_not(tmp_path: Path) -> None:
    disk = _SlowSyncs()
    log = Partition.open(tmp_path, ANY_TIME, disk=disk, clock=ManualClock(NOW_MS), leader_epoch=0)
    append(log, b"a")
    with ThreadPoolExecutor(1) as thread:
        synced = thread.submit(log.sync)
        assert disk.begun.wait(timeout=30)
        assert log.flushed_offset == 0
        assert log.read(0, 1000).next_offset == 1
        with pytest.raises(AssertionError, match="while a sync runs"):
            append(log, b"b")
        disk.may_end.set()
        assert synced.result(timeout=30) == log.flushed_offset == 1
    log.close()


def test_a_closed_log_takes_no_append() -> None:
    log = open_log(SimulatedDisk(0))
    log.close()
    with pytest.raises(AssertionError, match="closed"):
        append(log, b"a")
