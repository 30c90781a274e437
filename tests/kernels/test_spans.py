"""Where the values of fetched records lie, put one after another."""

from __future__ import annotations

import numpy as np

from riacho.kernels.spans import place_values


def test_values_are_placed_after_those_before_and_counted_with_their_keys() -> None:
    out_start, out_length = np.full(5, -7, np.int64), np.full(5, -7, np.int32)
    start, length = np.array([0, 4, 4], np.int64), np.array([4, -1, 2], np.int32)

    size = place_values(start, length, np.array([1, 3, -1], np.int32), 100, 2, out_start, out_length)

    assert size == 4 + 2 + 1 + 3
    assert out_start.tolist() == [-7, -7, 100, 104, 104]
    assert out_length.tolist() == [-7, -7, 4, -1, 2]
