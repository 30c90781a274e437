"""The record batch codec against kafka-python's, against hostile bytes, and against itself."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.memory_records import MemoryRecordsBuilder
from numpy.typing import NDArray

from riacho.client.batches import NO_IDENTITY, Batch, Identity
from riacho.client.columns import ProduceColumns, RecordColumns
from riacho.client.errors import CorruptRecordsError
from riacho.client.records import decode_batches, list_batches
from riacho.kernels import batch as layout

pytestmark = pytest.mark.no_cover  # the same lines many thousand times: tracing them triples the time

Record = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]

optional_bytes = st.none() | st.binary(max_size=300)
headers = st.lists(st.tuples(st.text(max_size=8), optional_bytes), max_size=3)
timestamps = st.integers(min_value=0, max_value=2**62)
records = st.lists(st.tuples(timestamps, optional_bytes, optional_bytes, headers), min_size=1, max_size=40)


def batch_by_kafka_python(batch: list[Record], offset: int = 0, codec: int = 0) -> bytes:
    builder = MemoryRecordsBuilder(magic=2, compression_type=codec, batch_size=1 << 24)
    for timestamp, key, value, record_headers in batch:
        assert builder.append(timestamp, key, value, record_headers) is not None
    builder.close()
    return offset.to_bytes(8) + bytes(builder.buffer()[8:])  # as the broker assigns it


def batch_by_riacho(batch: list[Record], capacity: int = 1 << 20, codec: int = 0) -> bytes:
    columns = ProduceColumns.from_values(
        [value for _, _, value, _ in batch],
        keys=[key for _, key, _, _ in batch],
        timestamps=[timestamp for timestamp, _, _, _ in batch],
        headers=[record_headers for _, _, _, record_headers in batch],
    )
    encoded = Batch(np.empty(capacity, np.uint8), 0)
    assert columns.timestamp is not None
    assert encoded.append(columns, columns.timestamp, np.arange(len(batch), dtype=np.int64), 0) == len(batch)
    encoded.seal(codec)
    encoded.stamp(Identity(7, 1), 42)
    assert encoded.sealed is not None
    return encoded.sealed.tobytes()


def decode(data: bytes, **options: int) -> RecordColumns:
    array = np.frombuffer(data, np.uint8)
    return decode_batches("topic", 0, array, list_batches(array), **options)


def rows(columns: RecordColumns) -> list[Record]:
    return list(
        zip(
            columns.timestamp.tolist(),
            columns.key.to_values(),
            columns.value.to_values(),
            columns.headers.to_values(),
            strict=True,
        )
    )


def every(batches: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.ones(len(batches), np.bool_)


@given(records, st.integers(0, 2**50))
def test_batches_of_kafka_python_are_read_as_they_were_written(batch: list[Record], offset: int) -> None:
    columns = decode(batch_by_kafka_python(batch, offset))

    assert rows(columns) == batch
    assert columns.offset.tolist() == list(range(offset, offset + len(batch)))
    assert columns.next_offset == offset + len(batch)


@given(records)
def test_kafka_python_reads_the_batches_as_they_were_written(batch: list[Record]) -> None:
    encoded = DefaultRecordBatch(batch_by_riacho(batch))

    assert encoded.validate_crc()
    assert (encoded.producer_id, encoded.producer_epoch, encoded.base_sequence) == (7, 1, 42)
    assert encoded.max_timestamp == max(timestamp for timestamp, _, _, _ in batch)
    assert [(one.timestamp, one.key, one.value, list(one.headers)) for one in encoded] == batch


@given(st.lists(records, max_size=4), st.data())
def test_concatenated_batches_are_read_between_any_two_offsets(
    batches: list[list[Record]], data: st.DataObject
) -> None:
    total = sum(len(batch) for batch in batches)
    begin = data.draw(st.integers(0, total))
    end = data.draw(st.integers(begin, total))
    encoded = b""
    offset = 0
    for batch in batches:
        encoded += batch_by_kafka_python(batch, offset)
        offset += len(batch)

    columns = decode(encoded, from_offset=begin, until_offset=end)

    assert columns.offset.tolist() == list(range(begin, end))
    assert rows(columns) == [record for batch in batches for record in batch][begin:end]


@given(records, st.data())
def test_a_batch_that_is_cut_off_is_left_for_the_next_fetch(batch: list[Record], data: st.DataObject) -> None:
    whole = batch_by_kafka_python(batch)
    cut = data.draw(st.integers(0, len(whole) - 1))

    columns = decode(whole + whole[:cut])

    assert len(columns) == len(batch)


def test_a_changed_control_bit_does_not_hide_records() -> None:
    encoded = bytearray(batch_by_kafka_python([(0, None, b"a", [])]))
    encoded[layout.CRC_START + 1] ^= layout.CONTROL

    with pytest.raises(CorruptRecordsError):
        decode(bytes(encoded))


@given(records, st.data())
def test_changed_bytes_are_refused_by_the_checksum(batch: list[Record], data: st.DataObject) -> None:
    encoded = bytearray(batch_by_kafka_python(batch))
    position = data.draw(st.integers(layout.CRC_POSITION, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))

    with pytest.raises(CorruptRecordsError):
        decode(bytes(encoded), from_offset=-(2**62))


@settings(max_examples=200)
@given(records, st.data())
def test_hostile_records_are_a_fault_and_never_read_outside_the_batch(batch: list[Record], data: st.DataObject) -> None:
    encoded = bytearray(batch_by_kafka_python(batch))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(layout.HEADER_SIZE, len(encoded) - 1))
        encoded[position] = data.draw(st.integers(0, 255))
    array = np.frombuffer(bytes(encoded), np.uint8)
    batches = list_batches(array)
    wide = np.empty((layout.WIDE_FIELDS, len(batch)), np.int64)
    narrow = np.empty((layout.NARROW_FIELDS, len(batch)), np.int32)

    count, fault, position = layout.decode_records(
        array, batches, every(batches), 0, layout.NO_END, False, wide, narrow
    )

    assert 0 <= count <= len(batch)
    assert 0 <= position <= len(encoded)
    assert fault in set(layout.Fault)
    for start, length in (
        (layout.KEY_START, layout.KEY_LENGTH),
        (layout.VALUE_START, layout.VALUE_LENGTH),
        (layout.HEADER_START, layout.HEADER_LENGTH),
    ):
        ends = wide[start, :count] + np.maximum(narrow[length, :count], 0)
        assert np.all(wide[start, :count] >= layout.HEADER_SIZE)
        assert np.all(ends <= len(encoded))


@given(st.binary(max_size=400))
def test_bytes_that_are_no_batch_are_refused_or_left(data: bytes) -> None:
    array = np.frombuffer(data, np.uint8)
    with suppress(CorruptRecordsError):
        assert len(list_batches(array)) <= len(data) // layout.HEADER_SIZE


def test_a_count_larger_than_the_batch_allocates_nothing_and_is_refused() -> None:
    encoded = bytearray(batch_by_kafka_python([(0, None, b"value", [])]))
    encoded[57:61] = (2**31 - 1).to_bytes(4)
    array = np.frombuffer(bytes(encoded), np.uint8)
    batches = list_batches(array)

    count, fault, _ = layout.decode_records(
        array,
        batches,
        every(batches),
        0,
        layout.NO_END,
        False,
        np.empty((layout.WIDE_FIELDS, 1), np.int64),
        np.empty((layout.NARROW_FIELDS, 1), np.int32),
    )

    assert (count, fault) == (0, layout.Fault.RECORD_COUNT)


def test_a_batch_of_an_older_format_is_refused_by_name() -> None:
    encoded = bytearray(batch_by_kafka_python([(0, None, b"value", [])]))
    encoded[16] = 1

    with pytest.raises(CorruptRecordsError, match="message format 1"):
        decode(bytes(encoded))


def test_log_append_time_stands_for_every_record() -> None:
    encoded = bytearray(batch_by_riacho([(5, None, b"a", []), (9, None, b"b", [])]))
    encoded[22] |= layout.LOG_APPEND_TIME
    array = np.frombuffer(bytes(encoded), np.uint8)
    wide = np.empty((layout.WIDE_FIELDS, 2), np.int64)
    narrow = np.empty((layout.NARROW_FIELDS, 2), np.int32)

    batches = list_batches(array)
    layout.decode_records(array, batches, every(batches), 0, layout.NO_END, False, wide, narrow)

    assert wide[layout.TIMESTAMP].tolist() == [9, 9]


@given(records, st.integers(layout.HEADER_SIZE, 900))
def test_a_batch_takes_records_until_its_buffer_is_full(batch: list[Record], capacity: int) -> None:
    columns = ProduceColumns.from_values(
        [value for _, _, value, _ in batch], timestamps=[timestamp for timestamp, _, _, _ in batch]
    )
    assert columns.timestamp is not None
    buffer = np.zeros(capacity + 64, np.uint8)
    encoded = Batch(buffer[:capacity], 0)
    order = np.arange(len(batch), dtype=np.int64)

    written = encoded.append(columns, columns.timestamp, order, 0)

    assert not buffer[capacity:].any(), "nothing is written behind the buffer"
    if written:
        encoded.seal(0)
        encoded.stamp(NO_IDENTITY, -1)
        assert encoded.sealed is not None
        found = decode(encoded.sealed.tobytes())
        assert found.value.to_values() == [value for _, _, value, _ in batch[:written]]
    if written < len(batch):
        value = batch[written][2] or b""
        assert encoded.size + len(value) + 40 > capacity, "a record that fits is not left out"
