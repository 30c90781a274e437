"""The codecs' framings, and what damaged bytes do."""

from __future__ import annotations

from contextlib import suppress

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riacho.client.compression import CODECS, codec_number, compress, decompress
from riacho.client.errors import CorruptRecordsError
from riacho.errors import UsageError

codecs = st.sampled_from([number for name, number in CODECS.items() if name != "none"])


@given(codecs, st.binary(max_size=100_000))
def test_what_was_compressed_is_read_again(codec: int, data: bytes) -> None:
    assert decompress(codec, compress(codec, data)).tobytes() == data


@given(codecs, st.binary(min_size=1, max_size=200))
def test_bytes_that_are_not_compressed_are_refused_or_read(codec: int, data: bytes) -> None:
    with suppress(CorruptRecordsError):  # few random bytes may happen to be a frame, but nothing else is raised
        decompress(codec, data)


def test_snappy_without_blocks_is_read_too() -> None:
    assert decompress(CODECS["snappy"], bytes(cramjam.snappy.compress_raw(b"x" * 99))).tobytes() == b"x" * 99


def test_lz4_frames_have_independent_blocks_as_kafkas_java_client_wants() -> None:
    flags = compress(CODECS["lz4"], b"x" * 1000)[4]

    assert flags >> 6 == 1
    assert flags & 0x20


def test_an_unknown_codec_is_named() -> None:
    with pytest.raises(CorruptRecordsError, match="codec 7"):
        decompress(7, b"")
    with pytest.raises(UsageError, match="'brotli'"):
        codec_number("brotli")
