"""The sums of batches against the library's."""

from __future__ import annotations

import crc32c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riacho.client.records import LISTED, list_batches
from riacho.kernels import batch as layout
from riacho.kernels.batch_sums import LONG, add_word_by_bits, first_wrong_sum


def batch(content: bytes, flipped: int = 0) -> bytes:
    """An empty batch's header around some bytes, with their sum, of which some bits may be `flipped`."""
    covered = bytes(layout.HEADER_SIZE - layout.CRC_START) + content
    head = bytes(8) + (layout.HEADER_SIZE - layout.LENGTH_END + len(content)).to_bytes(4) + bytes(4) + b"\x02"
    return head + (crc32c.crc32c(covered) ^ flipped).to_bytes(4) + covered


def first_wrong(*batches: bytes) -> int:
    data = np.frombuffer(b"".join(batches), np.uint8)
    return first_wrong_sum(data, list_batches(data))


@given(st.lists(st.binary(max_size=100), min_size=1, max_size=5), st.data())
def test_the_first_batch_with_a_wrong_sum_is_told(contents: list[bytes], data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, len(contents) - 1))
    flipped = data.draw(st.integers(1, 2**32 - 1))

    assert first_wrong(*map(batch, contents)) == -1
    assert first_wrong(*map(batch, contents[:wrong]), batch(contents[wrong], flipped), batch(b"", 1)) == wrong


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
    assert first_wrong_sum(data, batches) == -1
