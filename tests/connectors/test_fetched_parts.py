"""Fetched parts are decoded together: every record once, each partition's in order."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from riacho.client import RecordColumns
from riacho.dataflow.sources.kafka_rows import JOINED_BYTES, join_parts


def in_one_frame(parts: list[RecordColumns]) -> list[RecordColumns]:
    """The same parts as a response carries them: each buffer a piece of one array."""
    frame = np.concatenate([np.zeros(3, np.uint8), *(part.buffer for part in parts)])
    placed, position = [], 3
    for part in parts:
        end = position + part.buffer.size
        placed.append(replace(part, buffer=frame[position:end]))
        position = end
    return placed


def part(partition: int, first_offset: int, *, size: int) -> RecordColumns:
    values = [b"%d/%d" % (partition, first_offset + place) + b"." * size for place in range(2)]
    return RecordColumns.from_values(values, partition=partition, first_offset=first_offset)


@st.composite
def fetched(draw: st.DrawFn) -> list[RecordColumns]:
    """Responses of some of three partitions each; the partitions are taken from in any order."""
    waiting: dict[int, list[RecordColumns]] = defaultdict(list)
    offsets = dict.fromkeys(range(3), 0)
    for _ in range(draw(st.integers(1, 5))):
        response = []
        for partition in draw(st.lists(st.sampled_from(range(3)), min_size=1, max_size=3, unique=True)):
            size = draw(st.sampled_from([1, JOINED_BYTES // 16, JOINED_BYTES // 4]))
            response.append(part(partition, offsets[partition], size=size))
            offsets[partition] += 2
        for one in in_one_frame(response):
            waiting[one.partition].append(one)
    taken = []
    while any(waiting.values()):
        partition = draw(st.sampled_from([number for number, parts in waiting.items() if parts]))
        taken.append(waiting[partition].pop(0))
    return taken


@given(fetched())
def test_every_record_is_there_once_and_each_partition_is_in_order(parts: list[RecordColumns]) -> None:
    seen: dict[int, list[bytes]] = defaultdict(list)
    for records in join_parts(parts, lambda one: one.partition):
        for record, partition in enumerate(records.split().tolist()):
            value = records.value[record]
            assert value is not None
            assert records.origin(record).value == value
            seen[partition].append(value.rstrip(b"."))
    for partition, values in seen.items():
        assert values == [b"%d/%d" % (partition, offset) for offset in range(len(values))]
    assert sum(map(len, seen.values())) == sum(map(len, parts))


def test_parts_of_one_response_are_not_copied() -> None:
    parts = in_one_frame([part(partition, 0, size=JOINED_BYTES // 4) for partition in range(3)])
    (records,) = join_parts(parts, lambda one: one.partition)
    assert np.shares_memory(records.value.data, parts[0].buffer)
