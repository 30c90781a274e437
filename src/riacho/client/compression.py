"""The compressed records of a batch, in the framings that Kafka's own clients read and write.

gzip: RFC 1952. snappy: the blocks of the Java library `snappy-java` (read also without them, as other clients
write it). lz4: frames with independent blocks, the only ones that Kafka's Java client reads. zstd: RFC 8878.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

import cramjam
import numpy as np
from numpy.typing import NDArray

from riacho.client.errors import CorruptRecordsError
from riacho.errors import UsageError

Bytes = NDArray[np.uint8]
Buffer = bytes | bytearray | memoryview

CODECS: Final = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
"""The numbers that a batch's attributes carry."""

_SNAPPY_MAGIC: Final = b"\x82SNAPPY\x00"
_SNAPPY_HEADER: Final = struct.pack(">8sii", _SNAPPY_MAGIC, 1, 1)
_SNAPPY_BLOCK: Final = 32 * 1024
"""Bytes a block: what snappy-java writes, and what its reader's buffer expects."""

_LZ4_FAST: Final = 1
"""Kafka's own default; cramjam's is a level that takes ten times as long."""


def codec_number(name: str) -> int:
    """The codec's number. Raises `UsageError` for a name that Kafka does not have."""
    try:
        return CODECS[name]
    except KeyError:
        raise UsageError(f"there is no compression {name!r}", mend=f"one of: {', '.join(CODECS)}") from None


def compress(codec: int, records: Buffer) -> memoryview:
    """Compress the records of one batch."""
    return memoryview(_COMPRESS[codec](records))


def decompress(codec: int, records: Buffer) -> Bytes:
    """The records of one batch, decompressed. Raises `CorruptRecordsError`."""
    if codec not in _DECOMPRESS:
        raise CorruptRecordsError(f"a batch names the unknown codec {codec}")
    try:
        return np.frombuffer(_DECOMPRESS[codec](records), np.uint8)
    except (cramjam.DecompressionError, struct.error) as error:
        raise CorruptRecordsError(f"a batch cannot be decompressed: {error}") from error


def _compress_snappy(records: Buffer) -> bytes:
    view = memoryview(records)
    parts: list[bytes] = [_SNAPPY_HEADER]
    for start in range(0, len(view), _SNAPPY_BLOCK):
        block = bytes(cramjam.snappy.compress_raw(view[start : start + _SNAPPY_BLOCK]))
        parts += (struct.pack(">i", len(block)), block)
    return b"".join(parts)


def _decompress_snappy(records: Buffer) -> Buffer:
    view = memoryview(records)
    if bytes(view[: len(_SNAPPY_MAGIC)]) != _SNAPPY_MAGIC:
        return memoryview(cramjam.snappy.decompress_raw(view))
    parts: list[bytes] = []
    position = len(_SNAPPY_HEADER)
    while position < len(view):
        (length,) = struct.unpack_from(">i", view, position)
        position += 4
        if not 0 <= length <= len(view) - position:
            raise CorruptRecordsError("a snappy block is longer than its batch")
        parts.append(bytes(cramjam.snappy.decompress_raw(view[position : position + length])))
        position += length
    return b"".join(parts)


def _compress_lz4(records: Buffer) -> Buffer:
    compressor = cramjam.lz4.Compressor(level=_LZ4_FAST, content_checksum=False, block_linked=False)
    compressor.compress(bytes(records))
    return memoryview(compressor.finish())


_COMPRESS: Final[dict[int, Callable[[Buffer], Buffer]]] = {
    1: lambda records: memoryview(cramjam.gzip.compress(records)),
    2: _compress_snappy,
    3: _compress_lz4,
    4: lambda records: memoryview(cramjam.zstd.compress(records)),
}
_DECOMPRESS: Final[dict[int, Callable[[Buffer], Buffer]]] = {
    1: lambda records: memoryview(cramjam.gzip.decompress(records)),
    2: _decompress_snappy,
    3: lambda records: memoryview(cramjam.lz4.decompress(records)),
    4: lambda records: memoryview(cramjam.zstd.decompress(records)),
}
