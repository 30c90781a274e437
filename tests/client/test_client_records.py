"""Fetched bytes to columns: control batches, aborted transactions, gaps, mixed codecs."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from riacho.client.batches import Batch, Identity
from riacho.client.columns import ProduceColumns, RecordColumns
from riacho.client.compression import CODECS
from riacho.client.errors import CorruptRecordsError
from riacho.client.records import decode_batches, list_batches
from riacho.kernels import batch as layout

ABORT, COMMIT = 0, 1


def batch(
    values: list[bytes],
    offset: int,
    *,
    producer: int = -1,
    attributes: int = 0,
    codec: int = 0,
    keys: list[bytes] | None = None,
) -> bytes:
    """One batch as a log would hold it."""
    columns = ProduceColumns.from_values(values, keys=keys, timestamps=[0] * len(values))
    filled = Batch(np.empty(1 << 16, np.uint8), 0)
    assert columns.timestamp is not None
    filled.append(columns, columns.timestamp, np.arange(len(values), dtype=np.int64), 0)
    filled.seal(codec)
    assert filled.sealed is not None
    filled.sealed[:8] = offset.to_bytes(8)
    filled.sealed[21:23] = (codec | attributes).to_bytes(2)
    filled.stamp(Identity(producer, 0), 0)
    return filled.sealed.tobytes()


def marker(kind: int, offset: int, producer: int) -> bytes:
    """The control batch that ends a transaction."""
    attributes = layout.CONTROL | layout.TRANSACTIONAL
    key = struct.pack(">hh", 0, kind)
    return batch([b"\0" * 6], offset, producer=producer, attributes=attributes, keys=[key])


def decode(data: bytes, aborted: list[tuple[int, int]] | None = None, from_offset: int = 0) -> RecordColumns:
    array = np.frombuffer(data, np.uint8)
    return decode_batches("t", 0, array, list_batches(array), aborted=aborted or [], from_offset=from_offset)


def test_control_records_are_left_out_but_moved_past() -> None:
    data = batch([b"a"], 0, producer=1, attributes=layout.TRANSACTIONAL) + marker(COMMIT, 1, 1)

    columns = decode(data)

    assert columns.value.to_values() == [b"a"]
    assert columns.next_offset == 2


def test_only_the_aborted_transactions_of_a_producer_are_left_out() -> None:
    open_ = layout.TRANSACTIONAL
    data = (
        batch([b"one committed"], 0, producer=1, attributes=open_)
        + batch([b"two aborted"], 1, producer=2, attributes=open_)
        + marker(COMMIT, 2, 1)
        + batch([b"plain"], 3)
        + batch([b"one aborted"], 4, producer=1, attributes=open_)
        + marker(ABORT, 5, 2)
        + batch([b"two committed"], 6, producer=2, attributes=open_)
        + marker(ABORT, 7, 1)
        + marker(COMMIT, 8, 2)
    )

    columns = decode(data, aborted=[(2, 1), (1, 4)])

    assert columns.value.to_values() == [b"one committed", b"plain", b"two committed"]
    assert columns.offset.tolist() == [0, 3, 6]
    assert columns.next_offset == 9


def test_offsets_may_have_gaps_where_a_topic_was_compacted() -> None:
    columns = decode(batch([b"a", b"b"], 5) + batch([b"c"], 90))

    assert columns.offset.tolist() == [5, 6, 90]
    assert columns.next_offset == 91


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_batches_of_different_codecs_are_one_block(codec: int) -> None:
    columns = decode(batch([b"a" * 50], 0) + batch([b"b", b"c"], 1, codec=codec) + batch([b"d"], 3))

    assert columns.value.to_values() == [b"a" * 50, b"b", b"c", b"d"]


def test_a_fetch_from_inside_a_batch_begins_there() -> None:
    columns = decode(batch([b"a", b"b", b"c"], 0), from_offset=2)

    assert columns.value.to_values() == [b"c"]


def test_a_wrong_checksum_names_the_byte_where_the_batch_begins() -> None:
    good = batch([b"a"], 0)
    bad = bytearray(batch([b"b"], 1))
    bad[-2] ^= 1

    with pytest.raises(CorruptRecordsError, match=f"byte {len(good)}"):
        decode(good + bytes(bad))
