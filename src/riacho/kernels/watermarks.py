"""One watermark of several: how far it may go, and where it rises by the rows of splits or the watermarks of inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_BOOL, READ_INT32, READ_INT64, inner, kernel
from riacho.kernels.primitives import int64

Bools = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

NO_WATERMARK = -0x8000000000000000
END_OF_TIME = 0x7FFFFFFFFFFFFFFF


@inner
def _allowed(levels: Int64s, idle: Bools, floor: int) -> int:
    """The rule: the least level of those that are neither idle nor at their end, nor below the `floor`.

    Where only idle ones are left the furthest of them counts; where only ones below the floor, none.
    """
    least, furthest = int64(END_OF_TIME), int64(NO_WATERMARK)
    awake, silent = False, False
    for part in range(levels.size):
        level = levels[part]
        if level == END_OF_TIME:
            continue
        if idle[part]:
            silent = True
            furthest = max(furthest, level)
        else:
            awake = True
            if level >= floor:
                least = min(least, level)
    if awake and least == END_OF_TIME:
        return int64(NO_WATERMARK)
    if silent and not awake:
        return furthest
    return least


@kernel(f"int64({READ_INT64}, {READ_BOOL})")
def allowed_watermark(levels: Int64s, idle: Bools) -> int:
    """How far the watermark of several may go that have come to these levels and are idle or not."""
    return _allowed(levels, idle, NO_WATERMARK)


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1], int64[::1], {READ_BOOL}, boolean, int64, int64, "
    "int64[::1], int64[::1])"
)
def combine_watermarks(
    sequence: Int64s,
    value: Int64s,
    ends: Int64s,
    places: Int64s,
    levels: Int64s,
    idle: Bools,
    waits: bool,
    since: int,
    watermark: int,
    step_sequence: Int64s,
    step_value: Int64s,
) -> int:
    """Note where the watermark of several inputs rises above `watermark`, whose own steps lie one after the other.

    Those of an input begin at its `places` and end before its `ends`; `levels` are where it stands before and, in the
    end, after them. What they were up to the row `since` counts from there on. Unless it `waits` for them, inputs do
    not count while they are behind the watermark. Returns how many steps were written.
    """
    steps = 0
    moment = int64(since)
    while True:
        following = int64(END_OF_TIME)
        for part in range(levels.size):
            while places[part] < ends[part] and sequence[places[part]] <= moment:
                levels[part] = value[places[part]]
                places[part] += 1
            if places[part] < ends[part]:
                following = min(following, sequence[places[part]])
        allowed = _allowed(levels, idle, NO_WATERMARK if waits else watermark)
        if allowed > watermark:
            watermark = allowed
            step_sequence[steps] = moment
            step_value[steps] = watermark
            steps += 1
        if following == END_OF_TIME:
            return steps
        moment = following


@kernel(
    f"int64({READ_INT64}, int64, {READ_BOOL}, {READ_INT32}, {READ_INT64}, int64[::1], {READ_BOOL}, int64, "
    "int64[::1], int64[::1])"
)
def advance_watermark(
    values: Int64s,
    unit: int,
    valid: Bools,
    splits: Int32s,
    sequence: Int64s,
    levels: Int64s,
    idle: Bools,
    watermark: int,
    step_sequence: Int64s,
    step_value: Int64s,
) -> int:
    """Raise each split's level by its rows; note where the watermark rises by that.

    Levels are whole numbers of so many of the values' `unit`s. `levels` and `idle` are by split number; `splits` is
    empty where every row is of the first one. Returns how many steps were written.
    """
    least = _allowed(levels, idle, NO_WATERMARK)
    steps = 0
    for row in range(values.size):
        if valid.size > 0 and not valid[row]:
            continue
        split = int64(splits[row]) if splits.size > 0 else int64(0)
        value = values[row]
        level = levels[split]
        # Without a division, which most rows need not: they raise nothing.
        if level != NO_WATERMARK and value < (level + 1) * unit:
            continue
        value //= unit
        if value <= level:
            continue
        held = level == least
        levels[split] = value
        if not held:
            continue
        least = _allowed(levels, idle, NO_WATERMARK)
        if least > watermark:
            watermark = least
            if steps > 0 and step_sequence[steps - 1] == sequence[row]:
                step_value[steps - 1] = watermark
            else:
                step_sequence[steps] = sequence[row]
                step_value[steps] = watermark
                steps += 1
    return steps
