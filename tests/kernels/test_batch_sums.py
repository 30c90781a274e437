"""The sums of batches against the library's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import crc32c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riacho.client.records import LISTED, list_batches
from riacho.kernels import batch as layout
from riacho.kernels.batch_sums import LONG, add_word_by_bits


def batch(content: bytes, flipped: int = 0) -> bytes:
    """An empty batch's header around some bytes, with their sum, of which some bits may be `flipped`."""
    covered = bytes(layout.HEADER_SIZE - layout.CRC_START) + content
    head = bytes(8) + (layout.HEADER_SIZE - layout.LENGTH_END + len(content)).to_bytes(4) + bytes(4) + b"\x02"
    return head + (crc32c.crc32c(covered) ^ flipped).to_bytes(4) + covered


def first_wrong(data: bytes) -> int:
    """The number of the first batch whose sum is wrong; -1: none."""
    array = np.frombuffer(data, np.uint8)
    batches = list_batches(array)
    none, wide, narrow = np.zeros(len(batches), np.bool_), np.empty((5, 0), np.int64), np.empty((4, 0), np.int32)
    count, fault, position = layout.decode_records(array, batches, none, 0, 0, True, wide, narrow)
    assert (count, fault in (layout.Fault.NONE, layout.Fault.CHECKSUM)) == (0, True)
    return batches[:, layout.POSITION].tolist().index(position) if fault else -1


@given(st.lists(st.binary(max_size=100), min_size=1, max_size=5), st.data())
def test_the_first_batch_with_a_wrong_sum_is_told(contents: list[bytes], data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, len(contents) - 1))
    flipped = data.draw(st.integers(1, 2**32 - 1))

    assert first_wrong(b"".join(map(batch, contents))) == -1
    before = b"".join(map(batch, contents[:wrong]))
    assert first_wrong(before + batch(contents[wrong], flipped) + batch(b"", 1)) == wrong


@pytest.mark.parametrize("size", [LONG - 41, LONG - 40, LONG - 39, *range(3 * LONG, 3 * LONG + 25), 1_000_003])
def test_the_three_parts_of_a_long_batch_make_its_sum(size: int) -> None:
    content = np.random.default_rng(size).bytes(size)

    assert first_wrong(batch(content)) == -1
    assert first_wrong(batch(content, 1 << 31)) == 0


@given(st.integers(0, 2**32 - 1), st.binary(min_size=8, max_size=8))
def test_a_processor_without_the_instruction_adds_the_same(crc: int, word: bytes) -> None:
    with np.errstate(over="ignore"):
        added = add_word_by_bits(np.uint64(crc ^ 0xFFFFFFFF), np.uint64(int.from_bytes(word, "little")))

    assert int(added) ^ 0xFFFFFFFF == crc32c.crc32c(word, crc)


def test_more_batches_are_listed_than_fit_into_one_call() -> None:
    data = np.frombuffer(batch(b"") * (2 * LISTED + 1), np.uint8)

    batches = list_batches(data)

    assert len(batches) == 2 * LISTED + 1
    assert (np.diff(batches[:, layout.POSITION]) == layout.HEADER_SIZE).all()
    assert first_wrong(data.tobytes()) == -1


def test_batches_are_read_by_code_for_any_processor_of_the_kind(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from riacho.client.records import decode_batches, list_batches\n"
        "data = np.frombuffer(sys.stdin.buffer.read(), np.uint8)\n"
        "print(decode_batches('t', 0, data, list_batches(data)).next_offset)\n"
    )
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)

    done = subprocess.run(
        [sys.executable, "-c", code], input=batch(b"") * 3, env=environment, capture_output=True, check=False
    )

    assert (done.stdout, done.returncode) == (b"1\n", 0), done.stderr.decode()
