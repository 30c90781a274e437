"""Where the values of fetched records lie, put one after another, and spans written out as lines."""

from __future__ import annotations

import numpy as np

from riacho.kernels.spans import place_values, write_lines


def test_values_are_placed_after_those_before_and_counted_with_their_keys() -> None:
    out_start, out_length = np.full(5, -7, np.int64), np.full(5, -7, np.int32)
    start, length = np.array([0, 4, 4], np.int64), np.array([4, -1, 2], np.int32)

    size = place_values(start, length, np.array([1, 3, -1], np.int32), 100, 2, out_start, out_length)

    assert size == 4 + 2 + 1 + 3
    assert out_start.tolist() == [-7, -7, 100, 104, 104]
    assert out_length.tolist() == [-7, -7, 4, -1, 2]


def test_lines_are_spans_in_their_order_each_with_the_delimiter_and_a_null_is_an_empty_one() -> None:
    data = np.frombuffer(b"abcdef", np.uint8)
    start, length = np.array([4, 0, 0, 1], np.int64), np.array([2, 3, -1, 0], np.int32)
    out = np.empty(5 + 4 * 2, np.uint8)

    write_lines(data, start, length, np.frombuffer(b"\r\n", np.uint8), out)

    assert out.tobytes() == b"ef\r\nabc\r\n\r\n\r\n"
