"""The sparse indexes of one segment: from offset to position, from time to offset.

`.index` holds (offset − base, position) of one batch for about every `index.interval.bytes`, the offset being the
batch's last one. `.timeindex` holds (timestamp, offset − base): the largest timestamp up to an indexed batch, and
the last offset of the batch that brought it. Entries and byte order are Kafka's. A trailer says of which segment
and of how many of its bytes the index speaks, with a checksum: an index is believed whole or built anew.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from struct import Struct
from typing import Final

from crc32c import crc32c

OFFSET_ENTRY_BYTES: Final = 8
TIME_ENTRY_BYTES: Final = 12
_TRAILER: Final = Struct(">qq")
_CHECKSUM: Final = Struct(">I")
_TRAILER_BYTES: Final = _TRAILER.size + _CHECKSUM.size
_WORD: Final = "I"
_LONG: Final = "q"

assert array(_WORD).itemsize == 4
assert array(_LONG).itemsize == 8


class SegmentIndex:
    """Both indexes as flat arrays, in the order of the log. Offsets are relative to the segment's base.

    covered_bytes: how much of the segment an index that was read from its files speaks of.
    """

    __slots__ = ("covered_bytes", "offsets", "positions", "time_offsets", "timestamps")

    def __init__(self) -> None:
        self.covered_bytes = 0
        self.offsets: array[int] = array(_WORD)
        self.positions: array[int] = array(_WORD)
        self.timestamps: array[int] = array(_LONG)
        self.time_offsets: array[int] = array(_WORD)

    def add(self, last_offset: int, position: int) -> None:
        """Index the batch at `position`."""
        self.offsets.append(last_offset)
        self.positions.append(position)

    def add_time(self, timestamp: int, last_offset: int) -> None:
        """Note the largest timestamp so far, where it has grown."""
        if timestamp > (self.timestamps[-1] if self.timestamps else -1):
            self.timestamps.append(timestamp)
            self.time_offsets.append(last_offset)

    def before_offset(self, offset: int) -> int:
        """The number of the last entry whose batch ends at or before `offset`; −1 where there is none."""
        return bisect_right(self.offsets, offset) - 1

    def before_position(self, position: int) -> int:
        """The number of the last entry whose batch begins at or before `position`; −1 where there is none."""
        return bisect_right(self.positions, position) - 1

    def before_time(self, timestamp: int) -> int:
        """The number of the last time entry not after `timestamp`; −1 where there is none."""
        return bisect_right(self.timestamps, timestamp) - 1

    def keep(self, entries: int) -> None:
        """Cut both indexes down to the first `entries` indexed batches."""
        last = self.offsets[entries - 1] if entries else -1
        del self.offsets[entries:], self.positions[entries:]
        times = bisect_left(self.time_offsets, last + 1)
        del self.timestamps[times:], self.time_offsets[times:]

    def encode_offsets(self, base_offset: int, covered_bytes: int) -> bytes:
        """The `.index` file for a segment of `covered_bytes`."""
        words = array(_WORD, bytes(OFFSET_ENTRY_BYTES * len(self.offsets)))
        words[0::2] = self.offsets
        words[1::2] = self.positions
        return _with_trailer(_big_endian(words).tobytes(), base_offset, covered_bytes)

    def encode_times(self, base_offset: int, covered_bytes: int) -> bytes:
        """The `.timeindex` file for a segment of `covered_bytes`."""
        halves = array(_WORD, _big_endian(array(_LONG, self.timestamps)).tobytes())
        words = array(_WORD, bytes(TIME_ENTRY_BYTES * len(self.timestamps)))
        words[0::3] = halves[0::2]
        words[1::3] = halves[1::2]
        words[2::3] = _big_endian(array(_WORD, self.time_offsets))
        return _with_trailer(words.tobytes(), base_offset, covered_bytes)

    @classmethod
    def decode(cls, offsets: bytes, times: bytes, base_offset: int) -> SegmentIndex | None:
        """Read both files; None where one is damaged, of another segment, or older than the other."""
        covered_bytes = _check_trailer(offsets, base_offset)
        if covered_bytes is None or covered_bytes != _check_trailer(times, base_offset):
            return None
        index = cls()
        index.covered_bytes = covered_bytes
        words = _big_endian(array(_WORD, offsets[:-_TRAILER_BYTES]))
        index.offsets, index.positions = words[0::2], words[1::2]
        words = array(_WORD, times[:-_TRAILER_BYTES])
        halves = array(_WORD, bytes(8 * (len(words) // 3)))
        halves[0::2], halves[1::2] = words[0::3], words[1::3]
        index.timestamps = _big_endian(array(_LONG, halves.tobytes()))
        index.time_offsets = _big_endian(words[2::3])
        return index


def _with_trailer(entries: bytes, base_offset: int, covered_bytes: int) -> bytes:
    contents = entries + _TRAILER.pack(base_offset, covered_bytes)
    return contents + _CHECKSUM.pack(crc32c(contents))


def _check_trailer(contents: bytes, base_offset: int) -> int | None:
    """How many bytes of its segment a file covers; None where it is damaged or of another segment."""
    if len(contents) < _TRAILER_BYTES:
        return None
    (checksum,) = _CHECKSUM.unpack_from(contents, len(contents) - _CHECKSUM.size)
    if crc32c(contents[: -_CHECKSUM.size]) != checksum:
        return None
    base, covered_bytes = _TRAILER.unpack_from(contents, len(contents) - _TRAILER_BYTES)
    return covered_bytes if base == base_offset else None


def _big_endian(values: array[int]) -> array[int]:
    """Turn the array in place between the machine's byte order and the files'."""
    if sys.byteorder == "little":
        values.byteswap()
    return values
