"""Partitioning against kafka-python's murmur2, and the order of rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from riacho.client.columns import BinaryColumn
from riacho.kernels.partition import NO_PARTITION, partition_by_key, partition_in_turn, rows_by_partition

keys = st.lists(st.none() | st.binary(max_size=40), min_size=1, max_size=50)


@given(keys, st.integers(1, 1000))
def test_a_key_goes_where_kafkas_default_partitioner_sends_it(values: list[bytes | None], count: int) -> None:
    column = BinaryColumn.from_values(values)
    chosen = np.empty(len(values), np.int32)

    partition_by_key(column.data, column.start, column.length, count, chosen)

    expected = [NO_PARTITION if key is None else (murmur2(key) & 0x7FFFFFFF) % count for key in values]
    assert chosen.tolist() == expected


@given(st.lists(st.integers(0, 7), max_size=200))
def test_rows_keep_their_order_within_a_partition(partitions: list[int]) -> None:
    ends = np.empty(8, np.int64)
    rows = np.empty(len(partitions), np.int64)

    assert rows_by_partition(np.array(partitions, np.int32), ends, rows) == -1

    starts = [0, *ends[:-1].tolist()]
    for partition, (start, end) in enumerate(zip(starts, ends.tolist(), strict=True)):
        assert rows[start:end].tolist() == [row for row, one in enumerate(partitions) if one == partition]


def test_the_first_row_of_a_partition_that_does_not_exist_is_named() -> None:
    ends = np.empty(2, np.int64)

    assert rows_by_partition(np.array([0, 1, 2, -1], np.int32), ends, np.empty(4, np.int64)) == 2


def test_records_without_a_key_stay_with_a_partition_until_it_has_enough() -> None:
    chosen = np.full(6, NO_PARTITION, np.int32)
    chosen[1] = 9
    available = np.array([4, 5], np.int32)
    length = np.full(6, 10, np.int32)

    turn, filled = partition_in_turn(available, length, 0, 0, 20, chosen)

    assert chosen.tolist() == [4, 9, 4, 5, 5, 4]
    assert (turn, filled) == (0, 10)
