"""The records of `__consumer_offsets`: Kafka's bytes, read and written."""

from __future__ import annotations

import struct
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riacho.broker.groups.placement import java_string_hash, partition_of_group
from riacho.broker.groups.records import (
    CommittedOffset,
    GroupRecord,
    OffsetRecord,
    Record,
    RecordFormatError,
    StoredGroup,
    StoredMember,
    decode,
    encode,
)

TOPIC_ID = UUID("01234567-89ab-cdef-0123-456789abcdef")

texts = st.text(st.characters(codec="utf-8"), max_size=40)
int32s, int64s = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
committed = st.builds(
    CommittedOffset,
    offset=int64s,
    leader_epoch=int32s,
    metadata=texts,
    commit_timestamp_ms=int64s,
    expire_timestamp_ms=st.none(),
    topic_id=st.none() | st.uuids(),
)
members = st.builds(
    StoredMember,
    member_id=texts,
    group_instance_id=st.none() | texts,
    client_id=texts,
    client_host=texts,
    rebalance_timeout_ms=st.integers(0, 2**31 - 1),
    session_timeout_ms=int32s,
    subscription=st.binary(max_size=50),
    assignment=st.binary(max_size=50),
)
stored_groups = st.builds(
    StoredGroup,
    protocol_type=texts,
    generation=int32s,
    protocol_name=st.none() | texts,
    leader=st.none() | texts,
    state_timestamp_ms=int64s,
    members=st.lists(members, max_size=4).map(tuple),
)
records = st.builds(OffsetRecord, texts, texts, int32s, st.none() | committed) | st.builds(
    GroupRecord, texts, st.none() | stored_groups
)


@given(records)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    assert decode(*encode(record)) == record


def test_an_offset_is_written_as_kafka_writes_it() -> None:
    key, value = encode(OffsetRecord("g", "t", 1, CommittedOffset(7, 3, "m", 1234, topic_id=TOPIC_ID)))
    assert key == bytes.fromhex("0001 0001") + b"g" + bytes.fromhex("0001") + b"t" + bytes.fromhex("00000001")
    assert value == (
        bytes.fromhex("0004 0000000000000007 00000003 02")
        + b"m"
        + bytes.fromhex("00000000000004d2 01 00 10")
        + TOPIC_ID.bytes
    )


def test_an_offset_without_a_topic_id_carries_no_tag() -> None:
    _, value = encode(OffsetRecord("g", "t", 1, CommittedOffset(7, -1, "", 1234)))
    assert value == bytes.fromhex("0004 0000000000000007 ffffffff 01 00000000000004d2 00")


def test_an_offset_with_its_own_retention_is_written_in_version_1() -> None:
    record = OffsetRecord("g", "t", 1, CommittedOffset(7, -1, "m", 1234, expire_timestamp_ms=5678))
    key, value = encode(record)
    assert value == bytes.fromhex("0001 0000000000000007 0001") + b"m" + struct.pack(">qq", 1234, 5678)
    assert decode(key, value) == record


def test_a_group_is_written_in_version_3() -> None:
    member = StoredMember("m", None, "c", "/h", 60_000, 10_000, b"s", b"a")
    key, value = encode(GroupRecord("g", StoredGroup("consumer", 2, "range", "m", 99, (member,))))
    assert key == bytes.fromhex("0002 0001") + b"g"
    assert value == (
        bytes.fromhex("0003 0008") + b"consumer" + bytes.fromhex("00000002 0005") + b"range"
        + bytes.fromhex("0001") + b"m" + struct.pack(">qi", 99, 1)
        + bytes.fromhex("0001") + b"m" + bytes.fromhex("ffff 0001") + b"c" + bytes.fromhex("0002") + b"/h"
        + struct.pack(">ii", 60_000, 10_000)
        + bytes.fromhex("00000001") + b"s" + bytes.fromhex("00000001") + b"a"
    )  # fmt: skip


OFFSET_KEY = encode(OffsetRecord("g", "t", 1, None))[0]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("0000 0000000000000007 0001 6d 00000000000004d2", CommittedOffset(7, -1, "m", 1234)),
        ("0001 0000000000000007 0001 6d 00000000000004d2 ffffffffffffffff", CommittedOffset(7, -1, "m", 1234)),
        ("0002 0000000000000007 0001 6d 00000000000004d2", CommittedOffset(7, -1, "m", 1234)),
        ("0003 0000000000000007 00000003 0001 6d 00000000000004d2", CommittedOffset(7, 3, "m", 1234)),
        ("0004 0000000000000007 00000003 02 6d 00000000000004d2 00", CommittedOffset(7, 3, "m", 1234)),
        ("0004 0000000000000007 00000003 02 6d 00000000000004d2 01 09 01 ff", CommittedOffset(7, 3, "m", 1234)),
    ],
    ids=["v0", "v1", "v2", "v3", "v4", "v4 with a tag of the future"],
)
def test_every_version_of_an_offset_is_read(value: str, read: CommittedOffset) -> None:
    assert decode(OFFSET_KEY, bytes.fromhex(value)) == OffsetRecord("g", "t", 1, read)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_older_versions_of_a_group_are_read(version: int) -> None:
    value = struct.pack(">h", version) + bytes.fromhex("0008") + b"consumer" + bytes.fromhex("00000002 ffff ffff")
    value += struct.pack(">q", 99) if version >= 2 else b""
    value += bytes.fromhex("00000001 0001") + b"m" + bytes.fromhex("0000 0000")
    value += struct.pack(">i", 60_000) if version >= 1 else b""
    value += struct.pack(">i", 10_000) + bytes(8)
    record = decode(encode(GroupRecord("g", None))[0], value)
    assert isinstance(record, GroupRecord)
    assert record.value is not None
    assert record.value.state_timestamp_ms == (99 if version >= 2 else -1)
    assert record.value.members[0].rebalance_timeout_ms == (60_000 if version >= 1 else 10_000)


def test_kinds_of_records_that_are_not_known_are_left_alone() -> None:
    assert decode(bytes.fromhex("0003 0001") + b"g", b"whatever") is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"", None),
        (b"\x00\x01\x00\x09g", None),
        (b"\x00\x02\xff\xff", None),
        (OFFSET_KEY, b"\x00\x05"),
        (OFFSET_KEY, b"\x00\x03\x00"),
    ],
    ids=["no key", "a key that ends early", "a null group", "a value of the future", "a value that ends early"],
)
def test_what_is_no_record_is_refused(key: bytes, value: bytes | None) -> None:
    with pytest.raises(RecordFormatError):
        decode(key, value)


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_the_hash_is_the_polynomial_over_utf_16_code_units(text: str) -> None:
    units = struct.unpack(f">{len(text.encode('utf-16-be')) // 2}H", text.encode("utf-16-be"))
    expected = sum(unit * 31**power for power, unit in enumerate(reversed(units))) % 2**32
    assert java_string_hash(text) % 2**32 == expected


def test_a_group_whose_hash_is_the_smallest_integer_has_a_partition() -> None:
    assert java_string_hash("polygenelubricants") == -(2**31)
    assert partition_of_group("polygenelubricants", 50) == 0
