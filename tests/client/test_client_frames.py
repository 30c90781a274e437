"""Memory of frames is used again, and never while somebody may look at it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from riacho.client.frames import LARGE, MOST_KEPT, Frames

sizes = st.sampled_from([10, LARGE, LARGE + 1, 3 * LARGE])


@given(st.lists(st.tuples(sizes, st.integers(0, 5)), max_size=20))
def test_what_was_received_stays_as_long_as_a_part_of_it_does(takes: list[tuple[int, int]]) -> None:
    frames = Frames()
    held: list[tuple[int, NDArray[np.uint8]]] = []
    for number, (size, dropped) in enumerate(takes):
        frame = frames.take(size)
        assert frame.size == size
        frame[:] = number
        held.append((number, frame[size // 2 :]))
        del frame
        del held[dropped : dropped + 1]
        assert all((part == owner).all() for owner, part in held)


def test_no_more_memory_is_kept_than_allowed_and_none_after_a_small_frame() -> None:
    frames = Frames()
    held = [frames.take(8 * LARGE) for _ in range(MOST_KEPT // LARGE // 8 + 3)]
    addresses = {frame.ctypes.data for frame in held}
    held.clear()

    assert frames.kept == MOST_KEPT
    assert frames.take(8 * LARGE).ctypes.data in addresses
    frames.take(10)
    assert frames.kept == 0
