from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_batches import NOW_MS, batch_of, seal

from riacho.log import BatchError, BatchHeader, LogConfig, check_batch
from riacho.log.header import MAX_SEQUENCE, check_for_topic, checksum, place, stamp

int64 = st.integers(-(2**63), 2**63 - 1)
int32 = st.integers(-(2**31), 2**31 - 1)
int16 = st.integers(-(2**15), 2**15 - 1)


def refusal(batch: bytes | bytearray) -> str:
    with pytest.raises(BatchError) as caught:
        check_batch(batch)
    return caught.value.error


def patched(batch: bytearray, layout: str, position: int, value: int) -> bytearray:
    struct.pack_into(layout, batch, position, value)
    return seal(batch)


@given(
    st.builds(
        BatchHeader,
        int64, int32, int32, st.integers(-128, 127), st.integers(0, 2**32 - 1), int16,
        int32, int64, int64, int64, int16, int32, int32,
    ),
    st.integers(0, 9),
)  # fmt: skip
def test_a_header_reads_back_as_it_was_packed(header: BatchHeader, position: int) -> None:
    assert BatchHeader.parse(bytes(position) + header.pack(), position) == header


def test_a_sound_batch_passes_whatever_buffer_it_comes_in() -> None:
    batch = batch_of([b"a", b"b"])
    for buffer in (batch, bytes(batch), memoryview(batch), memoryview(bytes(batch))):
        header = check_batch(buffer)
        assert (header.size, header.record_count, header.last_offset) == (len(batch), 2, 1)


@given(st.integers(0, 200), st.integers(0, 7))
def test_a_flipped_bit_is_never_taken_for_a_sound_batch(byte: int, bit: int) -> None:
    batch = batch_of([bytes(200)])
    byte %= len(batch)
    batch[byte] ^= 1 << bit
    if 12 <= byte < 16:  # the leader epoch: the broker sets it anyway
        check_batch(batch)
    else:
        assert refusal(batch) in ("CORRUPT_MESSAGE", "INVALID_RECORD")


@pytest.mark.parametrize(
    ("batch", "error"),
    [
        (b"", "INVALID_RECORD"),
        (bytes(60), "CORRUPT_MESSAGE"),
        (b"GET / HTTP/1.1\r\nHost: localhost:9092\r\nUser-Agent: a browser\r\nAccept: */*\r\n\r\n", "CORRUPT_MESSAGE"),
        (bytes(batch_of([b"a"]))[:-1], "INVALID_RECORD"),
        (bytes(batch_of([b"a"]))[:30], "INVALID_RECORD"),
        (bytes(batch_of([b"a"]))[:10], "INVALID_RECORD"),
        (patched(batch_of([b"a"]), ">i", 8, 20), "CORRUPT_MESSAGE"),
        (patched(batch_of([b"a"]), ">b", 16, 3), "CORRUPT_MESSAGE"),
        (patched(batch_of([b"a"]), ">b", 16, -1), "CORRUPT_MESSAGE"),
        (bytes(batch_of([b"a"])) * 2, "INVALID_RECORD"),
        (patched(batch_of([b"a"]), ">b", 16, 1), "INVALID_RECORD"),
        (batch_of([b"a"], base_offset=5), "INVALID_RECORD"),
        (patched(batch_of([b"a", b"b"]), ">i", 57, 3), "INVALID_RECORD"),
        (patched(batch_of([b"a", b"b"]), ">i", 57, -1), "INVALID_RECORD"),
        (patched(batch_of([b"a"]), ">i", 23, -1), "INVALID_RECORD"),
        (batch_of([b"a"], attributes=0b10_0000), "INVALID_RECORD"),
        (batch_of([b"a"], attributes=5), "UNSUPPORTED_COMPRESSION_TYPE"),
        (batch_of([b"a"], producer=(7, 0, -1)), "INVALID_RECORD"),
        (batch_of([b"a"], producer=(7, -1, 0)), "INVALID_RECORD"),
        (batch_of([b"a"], attributes=0b01_0000), "INVALID_RECORD"),
    ],
    ids=[
        "nothing", "less than a header", "not a batch", "cut short", "cut in its header",
        "cut before its version", "shorter than a header", "a later format", "a negative format", "two batches",
        "an old format", "a base offset",
        "too many counted", "a negative count", "no offsets", "a control batch", "an unknown codec",
        "a producer without sequence", "a producer without epoch", "transactional without producer",
    ],
)  # fmt: skip
def test_what_is_no_batch_for_a_log_is_refused_by_kafkas_name(batch: bytes, error: str) -> None:
    assert refusal(batch) == error


@given(st.integers(0, MAX_SEQUENCE), st.integers(0, 1000))
def test_sequences_wrap_to_zero_after_the_largest(base: int, delta: int) -> None:
    header = BatchHeader(0, 49, 0, 2, 0, 0, delta, 0, 0, 7, 0, base, delta + 1)
    assert header.last_sequence == (base + delta) % 2**31


@pytest.mark.parametrize("writable", [True, False])
def test_a_batch_takes_its_place_without_its_checksum_changing(writable: bool) -> None:
    batch = batch_of([b"a"])
    buffers = place(batch if writable else bytes(batch), len(batch) - 12, 123_456, 9)
    stored = b"".join(bytes(buffer) for buffer in buffers)
    header = BatchHeader.parse(stored)
    assert (header.base_offset, header.leader_epoch, header.size) == (123_456, 9, len(batch))
    assert stored[16:] == bytes(batch)[16:]
    assert checksum(stored) == header.checksum


def test_a_stamped_batch_carries_the_logs_time_and_a_right_checksum() -> None:
    batch = batch_of([b"a", b"b"])
    stamped = stamp(batch, NOW_MS + 5)
    header = check_batch(stamped)
    assert header.is_log_append_time
    assert header.max_timestamp == NOW_MS + 5
    assert stamped[61:] == batch[61:]


@pytest.mark.parametrize(
    ("config", "timestamps", "attributes", "error"),
    [
        (LogConfig(max_message_bytes=50), [NOW_MS], 0, "MESSAGE_TOO_LARGE"),
        (LogConfig(segment_bytes=50), [NOW_MS], 0, "RECORD_LIST_TOO_LARGE"),
        (LogConfig(), [NOW_MS + 3_600_001], 0, "INVALID_TIMESTAMP"),
        (LogConfig(), [NOW_MS, NOW_MS + 3_600_001], 0, "INVALID_TIMESTAMP"),
        (LogConfig(message_timestamp_before_max_ms=10), [NOW_MS - 11], 0, "INVALID_TIMESTAMP"),
        (LogConfig(), [NOW_MS], 0b1000, "INVALID_TIMESTAMP"),
        (LogConfig(), [NOW_MS + 3_600_000], 0, None),
        (LogConfig(message_timestamp_before_max_ms=10), [NOW_MS - 10], 0, None),
        (LogConfig(message_timestamp_before_max_ms=10), [-1], 0, None),
        (LogConfig(message_timestamp_type="LogAppendTime"), [0], 0, None),
    ],
)
def test_a_topic_limits_size_and_time(
    config: LogConfig, timestamps: list[int], attributes: int, error: str | None
) -> None:
    batch = batch_of([b"a"] * len(timestamps), timestamps=timestamps, attributes=attributes)
    header = check_batch(batch)
    if error is None:
        check_for_topic(header, config, NOW_MS)
    else:
        with pytest.raises(BatchError) as caught:
            check_for_topic(header, config, NOW_MS)
        assert caught.value.error == error
