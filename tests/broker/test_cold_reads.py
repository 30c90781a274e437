"""Records that are on disk, but not in memory."""

from __future__ import annotations

import os
from pathlib import Path

from raw_client import RawClient, batch_of, create_topic, fetch_values, produce_values

from riacho.broker import page_cache
from riacho.log.partition import Slice
from running_broker import RunningBroker

MEGABYTE = 1 << 20


def _evict(path: Path) -> None:
    """Ask the kernel to forget a file's pages (a memory file system has nowhere to put them, and keeps them)."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def test_a_range_is_cached_after_it_was_read_through(tmp_path: Path) -> None:
    path = tmp_path / "segment"
    path.write_bytes(os.urandom(3 * MEGABYTE))
    _evict(path)
    fd = os.open(path, os.O_RDONLY)
    page_cache.read_through(fd, 0, 3 * MEGABYTE)
    assert page_cache.is_cached(fd, 0, 3 * MEGABYTE)
    assert page_cache.is_cached(fd, 3 * MEGABYTE - 1, 1)
    os.close(fd)


def test_a_short_range_is_read_by_the_probe_and_a_long_one_is_left_to_sendfile(tmp_path: Path) -> None:
    path = tmp_path / "segment"
    content = os.urandom(2 * page_cache.SMALL_RANGE)
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    short = Slice(fd, 10, page_cache.SMALL_RANGE, 1, None)
    long = short._replace(length=page_cache.SMALL_RANGE + 1)
    assert page_cache.read_if_small(short) == content[10 : 10 + page_cache.SMALL_RANGE]
    assert page_cache.read_if_small(long) is long
    os.close(fd)


def test_evicted_records_are_fetched_whole_while_others_are_served(kafka: RunningBroker, topic: str) -> None:
    values = [os.urandom(900_000) for _ in range(8)]
    with RawClient(kafka.bootstrap) as client, RawClient(kafka.bootstrap) as other:
        create_topic(client, topic)
        for value in values:
            client.ask("produce", 7, produce_values(topic, batch_of(value)))
        for segment in Path(kafka.directory, f"{topic}-0").glob("*.log"):
            _evict(segment)
        client.send("fetch", 11, fetch_values(topic, 0, max_bytes=50 * MEGABYTE))
        assert other.ask("metadata", 5, {"topics": [], "allow_auto_topic_creation": False}).controller_id == 1
        records = client.answer("fetch", 11).responses[0].partitions[0].records
    position = 0
    for value in values:
        position = records.index(value, position) + len(value)
