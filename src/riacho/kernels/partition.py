"""Which partition a record goes to, and the rows of each partition in their order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_INT32, READ_INT64, inner, kernel
from riacho.kernels.primitives import int64, uint64

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

NO_PARTITION = -1


@inner
def _murmur2(data: Bytes, start: int, length: int) -> int:
    """MurmurHash2 with Kafka's seed, as an unsigned 32-bit number."""
    mask = uint64(0xFFFFFFFF)
    m = uint64(0x5BD1E995)
    h = uint64(0x9747B28C) ^ uint64(length)
    whole = length & ~3
    for at in range(start, start + whole, 4):
        k = (
            uint64(data[at])
            | (uint64(data[at + 1]) << uint64(8))
            | (uint64(data[at + 2]) << uint64(16))
            | (uint64(data[at + 3]) << uint64(24))
        )
        k = (k * m) & mask
        k ^= k >> uint64(24)
        k = (k * m) & mask
        h = ((h * m) & mask) ^ k
    rest = length - whole
    at = start + whole
    if rest == 3:
        h ^= uint64(data[at + 2]) << uint64(16)
    if rest >= 2:
        h ^= uint64(data[at + 1]) << uint64(8)
    if rest >= 1:
        h ^= uint64(data[at])
        h = (h * m) & mask
    h ^= h >> uint64(13)
    h = (h * m) & mask
    h ^= h >> uint64(15)
    return h


@kernel(f"void({BYTES}, {READ_INT64}, {READ_INT32}, int64, int32[::1])")
def partition_by_key(data: Bytes, start: Int64s, length: Int32s, partitions: int, out: Int32s) -> None:
    """Kafka's default: the positive murmur2 of the key, modulo the partitions; `NO_PARTITION` for a null key."""
    for row in range(start.size):
        if length[row] < 0:
            out[row] = NO_PARTITION
        else:
            h = _murmur2(data, start[row], int64(length[row])) & uint64(0x7FFFFFFF)
            out[row] = h % uint64(partitions)


@kernel(f"UniTuple(int64, 2)({READ_INT32}, {READ_INT32}, int64, int64, int64, int32[::1])")
def partition_in_turn(
    available: Int32s, value_length: Int32s, turn: int, filled: int, bytes_per_turn: int, out: Int32s
) -> tuple[int, int]:
    """Give rows without a partition to `available[turn]` until it has `bytes_per_turn`, then to the next.

    Returns (turn, bytes of it that are filled) to go on from: KIP-794's sticky partitioning, in turn and not at
    random, so that partitions fill evenly.
    """
    for row in range(out.size):
        if out[row] == NO_PARTITION:
            if filled >= bytes_per_turn:
                turn = (turn + 1) % available.size
                filled = 0
            out[row] = available[turn]
            filled += max(int64(value_length[row]), 0) if value_length.size else int64(0)
    return turn, filled


@kernel(f"int64({READ_INT32}, int64[::1], int64[::1])")
def rows_by_partition(partition: Int32s, ends: Int64s, rows: Int64s) -> int:
    """Order the rows by partition, stably: partition p's are `rows[ends[p - 1]:ends[p]]`.

    Returns the first row whose partition is not one of `ends.size`, with nothing ordered; -1 where all are.
    """
    ends[:] = 0
    for row in range(partition.size):
        if partition[row] < 0 or partition[row] >= ends.size:
            return row
        ends[partition[row]] += 1
    total = int64(0)
    for p in range(ends.size):
        count = ends[p]
        ends[p] = total
        total += count
    for row in range(partition.size):
        rows[ends[partition[row]]] = row
        ends[partition[row]] += 1
    return -1
